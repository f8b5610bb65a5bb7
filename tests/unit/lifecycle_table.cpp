#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <vector>

#include "init/trace.h"
#include "tests/unit/world.h"

// Every state times every event, for a php-fpm service: what the lifecycle answers.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// A lifecycle in each state, brought there by events alone; the service's pid is 100.
Lifecycle in_state(State state) {
    Lifecycle lifecycle(fpm_plan());
    const TimePoint now{};
    const auto feed = [&](const Event& event) { lifecycle.on(event, now); };
    const auto exited = Exited{100, exited_with(1), false};
    if (state == State::idle) return lifecycle;
    feed(Start{});
    feed(Spawned{100});
    switch (state) {
    case State::idle:
    case State::starting: break;
    case State::running: feed(Ready{100}); break;
    case State::draining: feed(DrainAsked{SIGTERM, 0}); break;
    case State::sweeping: feed(exited); break;
    case State::backoff:
        feed(exited);
        feed(TreeEmpty{});
        break;
    case State::gone:
        feed(DrainAsked{SIGTERM, 0});
        feed(Exited{100, exited_with(0), true});
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
        {"exited, orphans left", Exited{100, exited_with(1), false}},
        {"another exited", Exited{999, exited_with(0), false}},
        {"stopped", Stopped{100, SIGTSTP}},
        {"tree empty", TreeEmpty{}},
        {"cut named", CutNamed{2}},
        {"hold", TimerFired{Timer::hold}},
        {"deadline", TimerFired{Timer::deadline}},
        {"kill", TimerFired{Timer::kill}},
        {"sweep", TimerFired{Timer::sweep}},
        {"restart", TimerFired{Timer::restart}},
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
    std::vector<std::string> answers; // in the order of every_event
};

} // namespace

TEST_CASE("every state has an answer to every event") {
    const std::vector<Row> table{};
    for (const auto& row : table) {
        REQUIRE(row.answers.size() == every_event().size());
        for (std::size_t i = 0; i < row.answers.size(); ++i) {
            const auto& [name, event] = every_event()[i];
            CAPTURE(to_string(row.state));
            CAPTURE(name);
            CHECK(answer(row.state, event) == row.answers[i]);
        }
    }
}

} // namespace sluice::core
