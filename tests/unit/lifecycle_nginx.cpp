#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <iterator>

#include "tests/unit/world.h"

// A service that finishes by itself on its stop signal, as nginx does.

namespace sluice::core {

using namespace std::chrono_literals;

namespace {

// It takes so long after QUIT; TERM cuts what it has.
Script finishes_after(config::Duration duration) {
    return {.ends_after = {{SIGQUIT, duration}, {SIGTERM, 9ms}},
            .traffic = {.requests_last = 1h, .requests = 2, .workers_tell = false}};
}

Script killed_master(config::Duration workers_stay) {
    auto script = finishes_after(50ms);
    script.dies_after = 1s;
    script.dies_with = killed_by(SIGKILL);
    script.leaves_orphan = true;
    script.orphan_stays = workers_stay;
    return script;
}

World stopped(const Script& script) {
    World world(nginx_plan(), script);
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    return world;
}

} // namespace

TEST_CASE("nginx gets QUIT when its queue is empty, and finishes what is in flight") {
    auto script = finishes_after(3s);
    script.traffic.queue_lasts = 400ms;
    const auto world = stopped(script);
    CHECK(world.place("close-intake") < world.place("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
    CHECK(world.elapsed() >= 4'400ms);
    CHECK(world.elapsed() <= 4'430ms);
    CHECK(world.exit_code() == 0);
    CHECK(world.said("nginx had finished and was gone after 3 s"));
}

TEST_CASE("listeners that nginx has closed are closed after a reload, and before a stop") {
    World world(nginx_plan(), finishes_after(50ms));
    world.start();
    world.after(1s, ForwardAsked{SIGHUP, {}});
    world.run(900ms);
    CHECK_FALSE(world.did("close-unserved"));
    world.run(200ms);
    CHECK(world.place("send HUP 100") < world.place("close-unserved"));
    world.signal(DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(std::ranges::count(world.deeds(), "close-unserved") == 2);
    CHECK(world.place("close-unserved") < world.place("close-intake"));
}

TEST_CASE("a next run that dies may want a port that the dead nginx's workers hold") {
    auto script = killed_master(5s);
    World world(nginx_plan(), script);
    world.start();
    world.run(1'050ms);
    world.script.dies_after = 10ms;
    world.script.leaves_orphan = false;
    CHECK_FALSE(world.did("signal-orphans QUIT"));
    world.run(200ms);
    CHECK(world.did("signal-orphans QUIT"));
    CHECK_FALSE(world.did("sweep TERM"));
}

TEST_CASE("an nginx that does not finish is cut at the deadline, and what is open is counted") {
    const auto world = stopped(finishes_after(1h));
    CHECK(world.place("send QUIT 100") < world.place("send TERM 100"));
    CHECK(world.elapsed() == 10'009ms);
    CHECK(world.said("about 2 connections cut"));
}

TEST_CASE(
    "a dead nginx's workers share their listeners with the next run, and are told to finish") {
    World world(nginx_plan(), killed_master(200ms));
    world.start();
    world.run(1'050ms);
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.run(1s);
    CHECK(world.spawns() == 2);
    CHECK(world.did("signal-orphans QUIT"));
    for (const auto* const deed :
         {"spawn beside", "switch-over", "shut-old", "leave-old", "sweep TERM"}) {
        CHECK_FALSE(world.did(deed));
    }
    CHECK(world.lifecycle().state() == State::running);
    CHECK(world.said("the last worker of the dead master has gone"));
}

TEST_CASE("a dead nginx's workers that hold ports of their own leave them to the next run") {
    auto plan = nginx_plan();
    plan.stop.owns_all_listeners = false;
    World world(plan, killed_master(5s));
    world.start();
    world.run(1'050ms);
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.run(6s);
    std::vector<std::string> spawns_and_signals;
    std::ranges::copy_if(world.deeds(), std::back_inserter(spawns_and_signals),
                         [](const auto& deed) {
                             return deed.starts_with("spawn") || deed.starts_with("signal-orphans");
                         });
    CHECK(spawns_and_signals == std::vector<std::string>{"spawn", "signal-orphans QUIT", "spawn"});
    CHECK_FALSE(world.did("sweep TERM"));
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("a stop while a dead nginx's workers serve alone: they get QUIT once nothing waits") {
    auto script = killed_master(2s);
    script.traffic.queue_lasts = 300ms;
    auto plan = nginx_plan();
    plan.restarting.backoff = {.first = 30s, .longest = 30s};
    World world(plan, script);
    world.start();
    world.run(1'050ms);
    world.after(0ms, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.place("close-intake") < world.place("signal-orphans QUIT"));
    CHECK_FALSE(world.did("sweep KILL"));
    CHECK(world.exit_code() == 137);
}

TEST_CASE("an nginx that is killed in its stop leaves its workers to finish") {
    auto script = finishes_after(1h);
    script.leaves_orphan = true;
    script.orphan_stays = 2s;
    script.dies_after = 1'500ms;
    script.dies_with = killed_by(SIGKILL);
    const auto world = stopped(script);
    CHECK(world.place("send QUIT 100") < world.place("signal-orphans QUIT"));
    CHECK(world.did("signal-orphans QUIT"));
    CHECK_FALSE(world.did("sweep KILL"));
    CHECK(world.exit_code() == 137);
}

} // namespace sluice::core
