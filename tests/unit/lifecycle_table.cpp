#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "init/trace.h"
#include "tests/unit/world.h"

// Every state times every event, for a php-fpm service with listeners that sluice owns: what the
// lifecycle answers.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

Sight idle_sight() {
    return {
        .connections = Sight::Connections{}, .tells_times = true, .workers = std::vector<Worker>{}};
}

// A lifecycle in each state, brought there by events alone; the service's pid is 100.
Lifecycle in_state(State state) {
    auto plan = owning_plan();
    plan.stop.linger = 1s;
    Lifecycle lifecycle(plan);
    const TimePoint now{};
    const auto feed = [&](const Event& event) { lifecycle.on(event, now); };
    if (state == State::idle) return lifecycle;
    feed(Start{});
    feed(Spawned{100});
    switch (state) {
    case State::idle:
    case State::starting: break;
    case State::running: feed(Ready{100}); break;
    case State::draining: feed(DrainAsked{SIGTERM, 0}); break;
    case State::sweeping: feed(Exited{100, exited_with(78), false}); break;
    case State::backoff: feed(Exited{100, exited_with(1), true}); break;
    case State::lingering:
    case State::gone:
        feed(DrainAsked{SIGTERM, 0});
        feed(Exited{100, exited_with(0), true});
        if (state == State::gone) feed(TimerFired{Timer::linger});
        break;
    }
    REQUIRE(lifecycle.state() == state);
    return lifecycle;
}

const std::vector<std::pair<std::string, Event>>& every_event() {
    static const std::vector<std::pair<std::string, Event>> events{
        {"start", Start{}},
        {"spawned", Spawned{100}},
        {"spawn failed", SpawnFailed{127, false}},
        {"ready", Ready{100}},
        {"drain", DrainAsked{SIGTERM, 0}},
        {"reload", ReloadAsked{}},
        {"forward", ForwardAsked{SIGUSR1, {}}},
        {"exited", Exited{100, exited_with(1), true}},
        {"exited, some left", Exited{100, exited_with(1), false}},
        {"exited, workers left", Exited{100, exited_with(1), false, true}},
        {"another exited", Exited{999, exited_with(0), false}},
        {"stopped", Stopped{100, SIGTSTP}},
        {"tree empty", TreeEmpty{}},
        {"cut named", CutNamed{2}},
        {"catches", Catches{100}},
        {"intake closed", IntakeClosed{Closing::refused, {}}},
        {"intake not closed", IntakeClosed{Closing::open, "not permitted"}},
        {"seen idle", Seen{idle_sight()}},
        {"announce", TimerFired{Timer::announce}},
        {"queue", TimerFired{Timer::queue}},
        {"look", TimerFired{Timer::look}},
        {"report", TimerFired{Timer::report}},
        {"linger", TimerFired{Timer::linger}},
        {"orphans gone", OrphansGone{}},
        {"cannot join", CannotJoin{"no selector"}},
        {"switched", Switched{}},
        {"switch failed", SwitchFailed{"no such file"}},
        {"old unserved", OldUnserved{2}},
        {"old seen", OldSeen{true}},
        {"old", TimerFired{Timer::old}},
        {"retire", TimerFired{Timer::retire}},
        {"hold", TimerFired{Timer::hold}},
        {"deadline", TimerFired{Timer::deadline}},
        {"kill", TimerFired{Timer::kill}},
        {"sweep", TimerFired{Timer::sweep}},
        {"restart", TimerFired{Timer::restart}},
        {"reloaded", TimerFired{Timer::reloaded}},
    };
    return events;
}

std::string answer(State state, const Event& event) {
    auto lifecycle = in_state(state);
    std::string text;
    const auto actions = lifecycle.on(event, TimePoint{});
    text += to_string(lifecycle.state());
    for (const auto& action : actions) {
        if (!std::holds_alternative<Message>(action)) text += "; " + to_text(action);
    }
    return text;
}

struct Row {
    State state;
    std::string event;
    std::string answer;
};

// What is not here leaves the state as it is and has nothing done.
const std::vector<Row>& table() {
    static const std::vector<Row> rows{
        {State::idle, "start", "starting; spawn"},
        {State::idle, "drain", "lingering; close-intake; arm linger"},
        {State::starting, "ready", "running"},
        {State::starting, "drain", "draining; arm deadline; close-intake"},
        {State::starting, "forward", "starting; send USR1 100"},
        {State::starting, "exited", "backoff; arm restart"},
        {State::starting, "exited, some left", "sweeping; sweep TERM; arm sweep"},
        {State::starting, "exited, workers left", "backoff; arm restart"},
        {State::starting, "stopped", "starting; suspend-self"},
        {State::running, "drain", "draining; arm deadline; close-intake"},
        {State::running, "reload", "running; take-turn"},
        {State::running, "forward", "running; send USR1 100"},
        {State::running, "exited", "backoff; arm restart"},
        {State::running, "exited, some left", "sweeping; sweep TERM; arm sweep"},
        {State::running, "exited, workers left", "backoff; arm restart"},
        {State::running, "stopped", "running; suspend-self"},
        {State::running, "reloaded", "running; close-unserved"},
        {State::draining, "forward", "draining; send USR1 100"},
        {State::draining, "exited", "lingering; close-intake; arm linger"},
        {State::draining, "exited, some left", "sweeping; sweep TERM; arm sweep"},
        {State::draining, "stopped", "draining; suspend-self"},
        {State::draining, "intake closed", "draining; arm report; look"},
        {State::draining, "intake not closed", "draining; arm queue; arm look"},
        {State::draining, "seen idle", "draining; send TERM 100"},
        {State::draining, "look", "draining; look"},
        {State::draining, "report", "draining; arm report"},
        {State::draining, "deadline",
         "draining; name-cut; send TERM 100; send CONT group 100; arm kill"},
        {State::sweeping, "tree empty", "gone; finish 78"},
        {State::sweeping, "sweep", "sweeping; sweep KILL; arm sweep"},
        {State::lingering, "linger", "gone; finish 0"},
        {State::backoff, "drain", "starting; spawn"},
        {State::backoff, "reload", "starting; spawn"},
        {State::backoff, "restart", "starting; spawn"},
    };
    return rows;
}

} // namespace

TEST_CASE("every state has an answer to every event") {
    constexpr std::array states{State::idle,     State::starting,  State::running, State::draining,
                                State::sweeping, State::lingering, State::backoff, State::gone};
    std::size_t used = 0;
    for (const auto state : states) {
        for (const auto& [name, event] : every_event()) {
            const auto row = std::ranges::find_if(table(), [&, &event_name = name](const Row& r) {
                return r.state == state && r.event == event_name;
            });
            if (row != table().end()) ++used;
            CAPTURE(to_string(state));
            CAPTURE(name);
            CHECK(answer(state, event) == (row == table().end() ? to_string(state) : row->answer));
        }
    }
    CHECK(used == table().size()); // no row for an event that is not there
}

} // namespace sluice::core
