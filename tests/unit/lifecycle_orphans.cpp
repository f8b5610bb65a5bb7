#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "tests/unit/world.h"

namespace sluice::core {

using namespace std::chrono_literals;

namespace {

// A master that is killed after a second; its workers stay so long after they were let go.
Script killed_master(config::Duration workers_stay) {
    return {.ends_after = {{SIGQUIT, 50ms}, {SIGTERM, 9ms}},
            .dies_after = 1s,
            .dies_with = killed_by(SIGKILL),
            .leaves_orphan = true,
            .orphan_stays = workers_stay};
}

// Only the first run dies.
void die_once(World& world) {
    world.run(1'050ms);
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
}

} // namespace

TEST_CASE("a dead master's workers serve on, and leave when the next run is up") {
    auto script = killed_master(200ms);
    script.old_queue_lasts = 35ms;
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.run(1s);
    CHECK_FALSE(world.did("sweep TERM"));
    CHECK(world.place("spawn beside") < world.place("switch-over"));
    CHECK(world.place("switch-over") < world.place("shut-old"));
    CHECK(world.place("shut-old") < world.place("leave-old"));
    CHECK(std::ranges::count(world.deeds(), "look-at-old") == 4); // after 10, 30, 70 ms
    CHECK(world.lifecycle().state() == State::running);
    CHECK(world.said().back().starts_with("the last worker of the dead master has gone after"));
}

TEST_CASE("where two listeners cannot share an address, the next run shares that of the old one") {
    auto script = killed_master(100ms);
    script.no_selector = true;
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.run(1s);
    CHECK(world.place("spawn beside") < world.place("signal-orphans QUIT"));
    CHECK_FALSE(world.did("switch-over"));
    CHECK(world.spawns() == 2);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("workers that do not finish get TERM after a minute, then KILL") {
    auto script = killed_master(1h);
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.run(59s);
    CHECK_FALSE(world.did("signal-orphans TERM"));
    world.run(3s);
    CHECK(world.place("signal-orphans TERM") < world.place("signal-orphans KILL"));
}

TEST_CASE("orphans that die before the switch leave their listeners to a run of their own") {
    World world(owning_plan(), killed_master(1h));
    world.start();
    die_once(world);
    world.run(60ms); // the next run is booting, on listeners where nobody is sent yet
    REQUIRE(world.lifecycle().state() == State::starting);
    world.signal(OrphansGone{});
    CHECK(world.did("send KILL group 101"));
    world.run(1s);
    CHECK(world.spawns() == 3);
    CHECK(std::ranges::count(world.deeds(), "spawn beside") == 1);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("a next run that dies before it is of use leaves the orphans at work") {
    auto script = killed_master(100ms);
    World world(owning_plan(), script);
    world.start();
    world.run(1'050ms);
    world.script.dies_after = 10ms;
    world.run(100ms);
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.run(2s);
    CHECK(std::ranges::count(world.deeds(), "spawn beside") > 1);
    CHECK_FALSE(world.did("sweep TERM"));
    CHECK(std::ranges::count(world.deeds(), "switch-over") == 1);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("what PHP has started serves nobody: it is swept, and the listeners stay the same") {
    auto script = killed_master(100ms);
    script.orphan_is_worker = false;
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.run(5s);
    CHECK(world.did("sweep TERM"));
    CHECK_FALSE(world.did("spawn beside"));
    CHECK(world.spawns() == 2);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE(
    "a second master that dies while the first one's workers leave: the listeners are shared") {
    World world(owning_plan(), killed_master(1h));
    world.start();
    world.run(1'500ms); // the second run is up
    REQUIRE(world.did("shut-old"));
    CHECK_FALSE(world.did("leave-old")); // a stop looks at what they have
    world.run(600ms);                    // and has died
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.run(2s);
    CHECK_FALSE(world.did("sweep TERM"));
    CHECK(std::ranges::count(world.deeds(), "spawn beside") == 1);
    CHECK(std::ranges::count(world.deeds(), "switch-over") == 1);
    CHECK(world.did("signal-orphans QUIT"));
    CHECK(world.spawns() == 3);
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("an old queue that nobody is left to serve is reset and counted, others serve on") {
    auto script = killed_master(1h);
    script.old_queue_lasts = 1h;
    World world(owning_plan(), script);
    world.start();
    world.run(2'100ms); // the second run has been up, and has died
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.run(1s);
    REQUIRE(std::ranges::count(world.deeds(), "switch-over") == 1);
    CHECK_FALSE(world.did("shut-old"));
    world.signal(OldUnserved{2});
    CHECK(world.did("leave-old"));
    CHECK(world.said("2 connections lost in its queue"));
    CHECK_FALSE(world.did("signal-orphans QUIT"));
    world.script.old_queue_lasts = config::Duration(0);
    world.run(1s);
    CHECK(world.did("signal-orphans QUIT"));
}

TEST_CASE("a second run that dies whole while the first one's workers leave starts anew") {
    World world(owning_plan(), killed_master(1h));
    world.start();
    world.run(1'500ms);
    REQUIRE(world.did("shut-old"));
    world.script.leaves_orphan = false;
    world.run(600ms);
    world.script.dies_after.reset();
    world.run(2s);
    CHECK_FALSE(world.did("sweep TERM"));
    CHECK_FALSE(world.did("signal-orphans QUIT"));
    CHECK(std::ranges::count(world.deeds(), "switch-over") == 1);
    CHECK(world.spawns() == 3);
}

TEST_CASE("where the switch fails the next run is started again, on the same listeners") {
    World world(owning_plan(), killed_master(100ms));
    world.start();
    die_once(world);
    world.script.switch_fails = true;
    world.run(2s);
    CHECK(world.place("switch-over") < world.place("send KILL group 101"));
    CHECK(world.spawns() == 3);
    // They serve until the third run does.
    const auto quit = std::ranges::find(world.deeds(), "signal-orphans QUIT");
    CHECK(std::count(world.deeds().begin(), quit, "spawn") == 2);
    CHECK(quit != world.deeds().end());
    CHECK(world.lifecycle().state() == State::running);
}

TEST_CASE("orphans of a service that is given up finish what they have") {
    auto script = killed_master(1h);
    script.dies_with = exited_with(78);
    script.traffic = {.requests_last = 2s, .requests = 1, .workers_tell = false};
    World world(owning_plan(), script);
    world.start();
    world.run();
    CHECK(world.place("close-intake") < world.place("sweep TERM"));
    CHECK(world.elapsed() >= 3s);
    CHECK(world.exit_code() == 78);
}

TEST_CASE("a stop in back-off starts the service for those who wait in its queue") {
    World world(
        owning_plan(),
        {.ends_after = {{SIGTERM, 9ms}}, .dies_after = 1s, .dies_with = killed_by(SIGKILL)});
    world.start();
    world.run(1'050ms);
    REQUIRE(world.lifecycle().state() == State::backoff);
    world.script.dies_after.reset();
    world.signal(DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.spawns() == 2);
    CHECK(world.did("close-intake"));
    CHECK(world.exit_code() == 0);
    CHECK(world.elapsed() < 1'200ms);
}

TEST_CASE("orphans that die during the stop leave their queue to a run that is started for it") {
    World world(owning_plan(), {.ends_after = {{SIGTERM, 9ms}},
                                .dies_after = 1s,
                                .dies_with = killed_by(SIGKILL),
                                .leaves_orphan = true,
                                .traffic = {.queue_lasts = 500ms}});
    world.start();
    world.run(1'050ms);
    REQUIRE(world.lifecycle().state() == State::backoff);
    world.script.dies_after.reset();
    world.script.leaves_orphan = false;
    world.signal(DrainAsked{SIGTERM, 0});
    world.after(100ms, OrphansGone{2});
    world.signal(TreeEmpty{});
    world.run();
    CHECK(world.spawns() == 2);
    CHECK(world.exit_code() == 0);
    CHECK(world.elapsed() < 3s);
}

TEST_CASE("orphans that only hold idle connections do not hold the stop up for long") {
    auto script = killed_master(1h);
    script.traffic = {.silent_connections = 1};
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.run(1s);
    REQUIRE(world.lifecycle().state() == State::running);
    world.signal(DrainAsked{SIGTERM, 0});
    const auto asked = world.elapsed();
    world.run();
    CHECK(world.elapsed() - asked >= 1s);
    CHECK(world.elapsed() - asked < 2s);
    CHECK(world.did("send TERM 101"));
}

TEST_CASE("a stop while orphans serve alone waits for what they have in flight") {
    auto script = killed_master(1h);
    script.traffic = {
        .queue_lasts = 100ms, .requests_last = 2s, .requests = 1, .workers_tell = false};
    World world(owning_plan(), script);
    world.start();
    die_once(world);
    world.after(10ms, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.elapsed() >= 3'060ms);
    CHECK(world.elapsed() < 4s);
    CHECK(world.place("close-intake") < world.place("sweep TERM"));
    CHECK(world.spawns() == 1);
    CHECK(world.exit_code() == 137);
}

TEST_CASE("a master that dies during the drain leaves its workers to finish") {
    Script script{.dies_after = 1'500ms,
                  .dies_with = killed_by(SIGKILL),
                  .leaves_orphan = true,
                  .traffic = {.requests_last = 2s, .requests = 1}};
    World world(owning_plan(), script);
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.elapsed() >= 3s);
    CHECK(world.elapsed() < 4s);
    CHECK(world.exit_code() == 137);
}

} // namespace sluice::core
