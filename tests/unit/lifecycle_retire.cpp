#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "tests/unit/world.h"

// The generation before the live one loses its master, or all of it dies.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// With a request in flight in the old generation for so long from the switch.
World retiring(config::Duration old_requests_last, Script script = {}) {
    script.ends_after = {{SIGQUIT, 10ms}, {SIGTERM, 10ms}};
    script.next.old_requests_last = old_requests_last;
    World world(owning_plan(), std::move(script));
    world.start();
    world.run(100ms);
    world.signal(ReloadAsked{});
    world.run(400ms);
    REQUIRE(world.lifecycle().old_service() == 100);
    return world;
}

std::ptrdiff_t times(const World& world, const std::string& deed) {
    return std::ranges::count(world.deeds(), deed);
}

// Takes these events one after the other; the last one's actions.
Actions taken(Lifecycle& lifecycle, const std::vector<Event>& events) {
    Actions actions;
    for (const auto& event : events) actions = lifecycle.on(event, TimePoint{});
    return actions;
}

template <typename Wanted>
bool among(const Actions& actions) {
    return std::ranges::any_of(
        actions, [](const Action& one) { return std::holds_alternative<Wanted>(one); });
}

} // namespace

TEST_CASE("workers without their master finish, leave when the listeners are shut, get no signal") {
    auto world = retiring(3s);
    world.kill_old(false);
    world.run(2s);
    CHECK(world.lifecycle().generation(Which::old) == 1);
    CHECK_FALSE(world.did("shut-old"));
    world.run(2s);
    CHECK(world.place("shut-old") < world.place("drop-old"));
    CHECK_FALSE(world.did("signal-orphans KILL (old)"));
    CHECK(world.said("generation 1 retired"));
    CHECK(world.lifecycle().generation(Which::old) == 0);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("an idle connection that a client keeps holds a worker without a master for a second") {
    Script script;
    script.next.old_keeps_connection = true;
    auto world = retiring(500ms, script);
    world.kill_old(false);
    world.run(900ms);
    CHECK_FALSE(world.did("signal-orphans KILL (old)"));
    world.run(1s);
    CHECK(world.place("signal-orphans KILL (old)") < world.place("drop-old"));
    CHECK(world.said("0 requests cut"));
}

TEST_CASE(
    "workers without their master that do not finish are killed and counted at the deadline") {
    auto world = retiring(5min);
    world.kill_old(false);
    SUBCASE("of the retirement") {
        world.run(1min);
        CHECK(world.lifecycle().state() == State::running);
    }
    SUBCASE("of a stop") {
        world.signal(DrainAsked{SIGTERM, 0});
        world.run();
        CHECK(world.exit_code() == 0);
        CHECK(world.elapsed() < 11s);
    }
    SUBCASE("of a stop that is to be now") {
        world.signal(DrainAsked{.signal = SIGTERM, .sender = 0, .now = true});
        world.run();
        CHECK(world.elapsed() < 2s);
    }
    CHECK(world.did("signal-orphans KILL (old)"));
    CHECK(world.said("1 request cut"));
}

TEST_CASE("a stop waits for workers without their master, whenever that has died") {
    auto world = retiring(3s);
    SUBCASE("before it") {
        world.kill_old(false);
        world.signal(DrainAsked{SIGTERM, 0});
    }
    SUBCASE("before the live generation has gone") {
        world.script.traffic = {.requests_last = 1s, .requests = 1};
        world.signal(DrainAsked{SIGTERM, 0});
        world.run(500ms);
        world.kill_old(false);
    }
    SUBCASE("after that") {
        world.signal(DrainAsked{SIGTERM, 0});
        world.run(1s);
        REQUIRE_FALSE(world.lifecycle().service());
        world.kill_old(false);
    }
    world.run(1s);
    CHECK_FALSE(world.exit_code());
    CHECK_FALSE(world.did("sweep TERM"));
    world.run();
    CHECK(world.exit_code() == 0);
    CHECK(world.elapsed() < 4s);
    CHECK_FALSE(world.did("signal-orphans KILL (old)"));
}

TEST_CASE("an old generation that dies whole is started once more for who waits in its queue") {
    for (const bool at_once : {true, false}) {
        CAPTURE(at_once);
        auto world = retiring(1s);
        world.kill_old(at_once, 5);
        if (!at_once) world.kill_workers_of_old(5);
        CHECK(world.said("5 connections in its queue: it is started once more"));
        world.run(10ms);
        CHECK(world.lifecycle().old_service() == 102);
        world.run(2s);
        CHECK(times(world, "spawn (old)") == 1);
        CHECK(world.place("send TERM 102") < world.place("drop-old"));
        CHECK(world.said("generation 1 retired"));
        CHECK(world.lifecycle().state() == State::running);
        CHECK(world.lifecycle().service() == 101);
    }
}

TEST_CASE("an old generation that dies whole twice leaves a count of who waited") {
    auto world = retiring(1s);
    world.kill_old(true, 5);
    world.run(10ms);
    world.kill_old(true, 4);
    world.run(1s);
    CHECK(times(world, "spawn (old)") == 1);
    CHECK(world.said("4 connections lost in the queue"));
    CHECK(world.did("drop-old"));
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("an old generation that cannot be started once more leaves a count of who waited") {
    auto world = retiring(1s);
    world.script.spawn_fails = SpawnFailed{125, true};
    world.kill_old(true, 5);
    world.run(10ms);
    CHECK(world.said("no more processes"));
    CHECK(world.said("5 connections lost in the queue"));
    CHECK(world.did("drop-old"));
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("an old generation that dies whole with an empty queue has gone") {
    auto world = retiring(1s);
    world.kill_old(true, 0);
    CHECK(world.said("about 1 request in flight and 0 connections in its queue"));
    CHECK_FALSE(world.did("spawn (old)"));
    CHECK(world.did("drop-old"));
}

TEST_CASE("a stop that could not start the service for its queue ends with the old generation") {
    constexpr int killed = SIGKILL;
    Lifecycle lifecycle(owning_plan());
    taken(lifecycle, {Start{}, Spawned{100}, Ready{100}, ReloadAsked{}, TurnTaken{}, NextPrepared{},
                      Spawned{101, Which::next}, Ready{101}, WarmedUp{}, Switched{},
                      Exited{101, killed, false, true}, OrphansGone{},
                      Exited{100, killed, false, false, 2}, DrainAsked{SIGTERM, 0}});
    REQUIRE(lifecycle.state() == State::starting);
    taken(lifecycle, {Spawned{102, Which::old}, SpawnFailed{125, false}});
    REQUIRE(lifecycle.state() == State::draining);
    REQUIRE(lifecycle.old_service() == 102);
    // What FPM has started is still there.
    CHECK(among<Sweep>(taken(lifecycle, {Exited{102, 0, false}})));
    CHECK(lifecycle.state() == State::sweeping);
    taken(lifecycle, {TreeEmpty{}});
    CHECK(lifecycle.state() == State::gone);
}

TEST_CASE("the live generation's orphans go on at a stop when the old generation has gone") {
    auto world = retiring(1s);
    world.script.traffic = {.requests_last = 3s, .requests = 1, .workers_tell = false};
    world.script.orphan_is_worker = world.script.leaves_orphan = true;
    world.signal(DrainAsked{SIGTERM, 0});
    world.run(100ms);
    world.kill_live();
    world.run(2s);
    CHECK(world.did("drop-old"));
    CHECK_FALSE(world.did("sweep TERM"));
    world.run();
    CHECK(world.exit_code() == 137);
    CHECK(world.elapsed() > 3s);
    CHECK(world.elapsed() < 5s);
}

} // namespace sluice::core
