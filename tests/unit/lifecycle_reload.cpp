#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "tests/unit/world.h"

// A next generation, the switch, and the generation before.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// QUIT and TERM end it at once.
Script willing() {
    Script script;
    script.ends_after = {{SIGQUIT, config::Duration(10)}, {SIGTERM, config::Duration(10)}};
    return script;
}

World started(Script script) {
    World world(owning_plan(), std::move(script));
    world.start();
    world.run(100ms);
    return world;
}

World reloaded(Script script, config::Duration during = 1s) {
    auto world = started(std::move(script));
    world.signal(ReloadAsked{});
    world.run(during);
    return world;
}

// The old generation serves on as if nothing had been.
void check_rolled_back(World& world) {
    CHECK(world.said("reload rolled back"));
    CHECK(world.said("generation 1 goes on serving"));
    CHECK(world.did("drop-next"));
    CHECK(world.did("end-turn"));
    CHECK_FALSE(world.did("promote"));
    CHECK(world.lifecycle().state() == State::running);
    CHECK(world.lifecycle().service() == 100);
    CHECK_FALSE(world.lifecycle().next_service());
    world.script.next = {};
    world.signal(ReloadAsked{});
    world.run(1s);
    CHECK(world.did("promote"));
}

std::ptrdiff_t times(const World& world, const std::string& deed) {
    return std::ranges::count(world.deeds(), deed);
}

} // namespace

TEST_CASE("a reload proves the next generation, switches, and retires the one before") {
    auto world = reloaded(willing());
    CHECK(world.place("take-turn") < world.place("prepare-next"));
    CHECK(world.place("prepare-next") < world.place("spawn beside (next)"));
    CHECK(world.place("await-ready (next)") < world.place("warm-up"));
    CHECK(world.place("warm-up") < world.place("switch-over"));
    CHECK(world.place("switch-over") < world.place("promote"));
    CHECK(world.place("promote") < world.place("look (old)"));
    CHECK(world.place("send TERM 100") < world.place("drop-old"));
    CHECK(world.lifecycle().service() == 101);
    CHECK_FALSE(world.lifecycle().old_service());
    CHECK(world.said("generation 1 retired"));
    world.signal(DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.exit_code() == 0);
}

TEST_CASE("whatever goes wrong before the switch rolls back") {
    auto script = willing();
    SUBCASE("its turn does not come") {
        script.next.turn_refused = "no such folder";
    }
    SUBCASE("a check fails") {
        script.next.refused = "php-fpm -t exited with status 78";
    }
    SUBCASE("its port is taken") {
        script.next.port_taken = true;
    }
    SUBCASE("it cannot be spawned") {
        script.next.spawn_fails = true;
    }
    SUBCASE("it dies") {
        script.next.dies_after = 10ms;
    }
    SUBCASE("it does not answer") {
        script.next.ready_after.reset();
    }
    SUBCASE("its warm-up fails") {
        script.next.warm_up_refused = "expected 200, got 500";
    }
    auto world = reloaded(script, 20s);
    check_rolled_back(world);
}

TEST_CASE("a switch that fails rolls back before any role has changed") {
    auto script = willing();
    script.switch_fails = true;
    auto world = reloaded(script);
    CHECK(world.said("the switch failed: no such file; generation 1 goes on serving"));
    CHECK_FALSE(world.said("reload: done"));
    CHECK(world.place("switch-over") < world.place("drop-next"));
    CHECK_FALSE(world.did("look (old)"));
    world.script.switch_fails = false;
    check_rolled_back(world);
}

TEST_CASE("a generation that does not answer is given up after reload.ready") {
    auto script = willing();
    script.next.ready_after.reset();
    auto world = reloaded(script, 10s);
    CHECK_FALSE(world.said("rolled back"));
    world.run(1s);
    CHECK(world.said("did not answer within 10"));
}

TEST_CASE("what is asked for during a reload runs as one more after it") {
    auto script = willing();
    script.next.old_requests_last = 3s;
    auto world = started(script);
    for (int times = 0; times < 3; ++times) {
        world.signal(ReloadAsked{});
        world.run(60ms); // the first one is past its checks by then
    }
    world.run(1s);
    CHECK(world.lifecycle().service() == 101);
    CHECK(world.lifecycle().old_service() == 100);
    CHECK(world.spawns() == 2);
    world.run(2s + 500ms);
    CHECK(world.spawns() == 3); // the old one has gone
    world.run(20s);
    CHECK(world.lifecycle().service() == 102);
    CHECK(world.spawns() == 3);
}

TEST_CASE("a splay delays, and one who does not want to wait begins at once") {
    auto world = started(willing());
    world.signal(ReloadAsked{.by = "signal HUP", .splay = 10s});
    world.run(1s);
    CHECK_FALSE(world.did("take-turn"));
    SUBCASE("until it is over") {
        world.run(8s);
        CHECK_FALSE(world.did("take-turn"));
        world.run(2s);
    }
    SUBCASE("until the control socket asks") {
        world.signal(ReloadAsked{.by = "the control socket"});
        world.run(1s);
    }
    CHECK(world.did("promote"));
    world.run(20s);
    CHECK(world.spawns() == 2);
}

TEST_CASE("a stop wins over a reload, in each of its steps") {
    auto script = willing();
    script.next.ready_after = 100ms;
    config::Duration after{};
    SUBCASE("splay") {
        after = 0ms;
    }
    SUBCASE("preparing") {
        after = 20ms;
    }
    SUBCASE("proving") {
        after = 100ms;
    }
    SUBCASE("warming") {
        after = 160ms;
    }
    auto world = started(script);
    world.signal(ReloadAsked{.by = "a signal", .splay = after == 0ms ? 5s : 0s});
    world.run(after);
    world.signal(DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.exit_code() == 0);
    CHECK_FALSE(world.did("promote"));
    CHECK(world.did("drop-next"));
    CHECK_FALSE(world.said("rolled back"));
}

TEST_CASE("a stop lets what is being retired finish, within its own deadline") {
    auto script = willing();
    script.next.old_requests_last = 3s;
    SUBCASE("in time") {
        auto world = reloaded(script);
        world.signal(DrainAsked{SIGTERM, 0});
        world.run(1s);
        CHECK_FALSE(world.exit_code());
        world.run();
        CHECK(world.exit_code() == 0);
        CHECK(world.said("0 requests cut"));
        CHECK(world.elapsed() < 4s);
    }
    SUBCASE("or is cut") {
        script.next.old_requests_last = 60s;
        auto world = reloaded(script);
        world.signal(DrainAsked{SIGTERM, 0});
        world.run();
        CHECK(world.said("1 request cut"));
        CHECK(world.elapsed() < 12s);
    }
}

TEST_CASE("reload.retire bounds the generation before") {
    auto script = willing();
    script.next.old_requests_last = std::chrono::minutes(5);
    auto world = reloaded(script, 59s);
    CHECK(world.lifecycle().old_service() == 100);
    world.run(3s);
    CHECK(world.said("cut: pool www"));
    CHECK(world.did("send TERM 100"));
    CHECK_FALSE(world.did("sweep KILL"));
    CHECK_FALSE(world.lifecycle().old_service());
    CHECK(world.lifecycle().service() == 101);
}

TEST_CASE("a crash of the live generation gives up the next one, and reloads when it is up again") {
    auto script = willing();
    script.next.ready_after = 500ms;
    script.dies_after = 400ms;
    script.dies_with = killed_by(SIGKILL);
    auto world = started(script);
    world.signal(ReloadAsked{});
    world.run(250ms); // it is proving itself
    CHECK(world.lifecycle().next_service() == 101);
    world.script.dies_after.reset();
    world.run(5s);
    CHECK(world.said("generation 2 is given up: php-fpm has died"));
    CHECK(world.did("promote"));
    CHECK(world.lifecycle().state() == State::running);
    CHECK(world.lifecycle().service() == 103);
}

TEST_CASE("a crash right after the switch restarts the new generation, and spares the old one") {
    auto script = willing();
    script.next.old_requests_last = 3s;
    script.next.dies_after = 300ms;
    script.dies_with = killed_by(SIGSEGV);
    auto world = reloaded(script);
    CHECK(world.lifecycle().old_service() == 100);
    CHECK(world.lifecycle().service() == 102);
    CHECK(world.did("spawn"));
    CHECK_FALSE(world.did("send TERM 100"));
    world.run(5s);
    CHECK(world.said("0 requests cut"));
    CHECK_FALSE(world.lifecycle().old_service());
}

TEST_CASE("where two listeners cannot share an address, both generations share one") {
    auto script = willing();
    script.no_selector = true;
    auto world = reloaded(script);
    CHECK(world.place("spawn beside (next)") < world.place("spawn (next)"));
    CHECK(world.did("promote"));
    CHECK(world.did("send QUIT 100")); // or it would go on accepting
    CHECK(world.lifecycle().service() == 101);
}

TEST_CASE("where users would meet it without the warm-up that they asked for, they do not share") {
    auto script = willing();
    script.no_selector = true;
    auto plan = owning_plan();
    plan.reload.warms_up = true;
    World world(plan, script);
    world.start();
    world.run(100ms);
    world.signal(ReloadAsked{});
    world.run(1s);
    CHECK(world.said("reload rolled back"));
    CHECK(world.said("[[reload.warmup]]"));
    CHECK_FALSE(world.did("spawn (next)"));
    CHECK_FALSE(world.did("switch-over"));
    CHECK(world.lifecycle().service() == 100);
}

TEST_CASE("without room for two the service reloads by itself") {
    auto script = willing();
    script.next.no_room = true;
    auto world = reloaded(script);
    CHECK(world.did("send USR2 100"));
    CHECK(world.did("end-turn"));
    CHECK(world.spawns() == 1);
}

TEST_CASE("in back-off the service is started at once, and reloaded then") {
    auto script = willing();
    script.dies_after = 200ms;
    script.dies_with = exited_with(1);
    auto world = started(script);
    world.run(120ms);
    CHECK(world.lifecycle().state() == State::backoff);
    world.script.dies_after.reset();
    world.signal(ReloadAsked{});
    world.run(2s);
    CHECK(world.spawns() == 3);
    CHECK(world.did("promote"));
}

TEST_CASE(
    "a crash while the next generation is prepared: nothing begins before the service is up") {
    auto script = willing();
    script.dies_after = 120ms;
    script.dies_with = killed_by(SIGKILL);
    auto world = started(script);
    world.signal(ReloadAsked{});
    world.run(15ms);
    SUBCASE("once") {}
    SUBCASE("and another reload waits") {
        world.signal(ReloadAsked{});
    }
    world.script.dies_after.reset();
    world.run(10ms);
    CHECK(world.lifecycle().state() == State::backoff);
    CHECK(times(world, "take-turn") == 1);
    world.run(5s);
    CHECK(times(world, "promote") == 1);
    CHECK(world.lifecycle().service() == 102);
}

TEST_CASE("a reload that waits is forgotten at a stop") {
    auto world = started(willing());
    world.signal(ReloadAsked{});
    world.run(20ms);
    world.signal(ReloadAsked{});
    world.signal(DrainAsked{SIGTERM, 0});
    CHECK(times(world, "take-turn") == 1);
    world.run();
    CHECK(world.exit_code() == 0);
    CHECK(world.spawns() == 1);
}

TEST_CASE("a reload that waits follows one that the service did by itself") {
    auto script = willing();
    script.next.no_room = true;
    auto world = started(script);
    world.signal(ReloadAsked{});
    world.run(20ms);
    world.signal(ReloadAsked{});
    world.run(1s);
    CHECK(times(world, "send USR2 100") == 2);
}

TEST_CASE("a service that is gone for good has what is being retired end in its time, too") {
    auto script = willing();
    script.next.old_requests_last = std::chrono::minutes(5);
    script.next.dies_after = 300ms;
    script.dies_with = exited_with(78);
    auto world = reloaded(script);
    CHECK(world.lifecycle().state() == State::draining);
    CHECK(world.lifecycle().old_service() == 100);
    world.run(12s);
    CHECK(world.exit_code() == 78);
}

} // namespace sluice::core
