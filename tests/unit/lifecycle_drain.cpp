#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "tests/unit/world.h"

namespace sluice::core {

using namespace std::chrono_literals;

namespace {

const Script quick{.ends_after = {{SIGQUIT, 50ms}, {SIGTERM, 9ms}}};

Script with(Traffic traffic) {
    auto script = quick;
    script.traffic = traffic;
    return script;
}

// Stopped at 1 s, run to its end.
World stopped(Plan plan, const Script& script) {
    World world(std::move(plan), script);
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    return world;
}

} // namespace

TEST_CASE("an idle service that is known to be idle is ended by TERM, at once") {
    const auto world = stopped(owning_plan(), quick);
    CHECK(world.elapsed() == 1'009ms);
    CHECK(world.did("close-intake"));
    CHECK(world.did("send TERM 100"));
    CHECK_FALSE(world.did("send QUIT 100"));
    CHECK(world.exit_code() == 0);
}

TEST_CASE("the queue is empty and the requests are answered before anybody gets a signal") {
    const auto world =
        stopped(owning_plan(), with({.queue_lasts = 400ms, .requests_last = 3s, .requests = 2}));
    CHECK(world.elapsed() >= 4s);
    CHECK(world.elapsed() <= 4'030ms); // tens of milliseconds after the last one
    CHECK(world.said("2 requests in flight: pool www, worker pid 200, script /a.php, 3.2 s"));
    CHECK(world.said("0 requests cut"));
}

TEST_CASE("where one of the two witnesses is missing, QUIT ends the service: it cuts nobody") {
    Traffic traffic{.requests_last = 1s, .requests = 1};
    SUBCASE("no SOCK_DIAG") {
        traffic.kernel_tells = false;
    }
    SUBCASE("no status") {
        traffic.workers_tell = false;
    }
    const auto world = stopped(owning_plan(), with(traffic));
    CHECK(world.elapsed() >= 2s);
    CHECK(world.did("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
}

TEST_CASE(
    "workers that do not answer at once are asked again, and without an answer cut by nobody") {
    Traffic traffic{.idle_connections = 1};
    SUBCASE("late twice") {
        traffic.late_answers = 2;
        const auto world = stopped(owning_plan(), with(traffic));
        CHECK(world.did("release 300"));
        CHECK(world.did("send TERM 100"));
    }
    SUBCASE("never") {
        traffic = {.late_answers = 1'000};
        const auto world = stopped(owning_plan(), with(traffic));
        CHECK(world.did("send QUIT 100"));
        CHECK_FALSE(world.did("send TERM 100"));
    }
}

TEST_CASE("without any witness QUIT is sent as soon as the queue is empty") {
    const auto world = stopped(
        owning_plan(), with({.queue_lasts = 100ms, .kernel_tells = false, .workers_tell = false}));
    CHECK(world.did("send QUIT 100"));
    CHECK(world.elapsed() < 1'200ms);
}

TEST_CASE("a pool that cannot be asked may be at work: QUIT") {
    auto plan = owning_plan();
    plan.answers = false;
    const auto world = stopped(plan, quick);
    CHECK(world.did("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
}

TEST_CASE("a service with listeners of its own besides is ended by QUIT") {
    auto plan = owning_plan();
    plan.stop.owns_all_listeners = false;
    const auto world = stopped(plan, quick);
    CHECK(world.did("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
}

TEST_CASE("FPM that is just executing itself anew dies of the TERM: the stop is as good as any") {
    auto script = quick;
    script.executes_anew = true;
    const auto idle = stopped(owning_plan(), script);
    CHECK(idle.did("send TERM 100"));
    CHECK(idle.exit_code() == 0);
    script.traffic = {.requests_last = 20s, .requests = 1};
    const auto cut = stopped(owning_plan(), script);
    CHECK(cut.exit_code() == 128 + SIGTERM);
}

TEST_CASE("connections that have been idle for long are let go at once") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 2, .idle_for = 2s}));
    CHECK(world.elapsed() < 1'100ms);
    CHECK(world.place("pause 300 301") < world.place("release 300 301"));
    CHECK(world.place("release 300 301") < world.place("send TERM 100"));
    CHECK(world.said("2 idle connections let go"));
}

TEST_CASE("a worker whose client closes while it stands still goes on before the master is ended") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 1, .client_closes = true}));
    CHECK(world.place("resume 300") < world.place("send TERM 100"));
}

TEST_CASE("connections that have just been used are let go one by one") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 2}));
    CHECK(world.elapsed() < 1'100ms);
    CHECK(world.place("release 300") < world.place("pause 301"));
    CHECK(world.place("release 301") < world.place("send TERM 100"));
    CHECK(world.said("2 idle connections let go"));
}

TEST_CASE("idle connections are let go while others are still served") {
    const auto world =
        stopped(owning_plan(), with({.requests_last = 2s, .requests = 1, .idle_connections = 1}));
    CHECK(world.place("release 300") < world.place("send TERM 100"));
    CHECK(world.elapsed() >= 3s);
}

TEST_CASE("workers that /proc hides get no signal: the master's end is theirs") {
    const auto world =
        stopped(owning_plan(),
                with({.requests_last = 2s, .requests = 1, .idle_connections = 2, .hidden = true}));
    CHECK(world.elapsed() >= 3s);
    CHECK(world.elapsed() < 3'300ms);
    CHECK(world.did("send TERM 100"));
}

TEST_CASE("idle connections are let go to make room for the queue") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 1, .behind_idle = true}));
    CHECK(world.elapsed() < 1'300ms);
    CHECK(world.did("release 300"));
}

TEST_CASE("a request that comes while its worker stands still is served") {
    for (const bool tcp : {true, false}) {
        CAPTURE(tcp);
        const auto world =
            stopped(owning_plan(), with({.idle_connections = 1, .requests_come = 1, .tcp = tcp}));
        CHECK(world.place("resume 300") < world.place("release 300"));
        CHECK_FALSE(world.said("nobody had begun"));
    }
}

TEST_CASE("where no gap between two requests is met, one is given up after a second") {
    for (const bool tcp : {true, false}) {
        CAPTURE(tcp);
        const auto world = stopped(
            owning_plan(), with({.idle_connections = 1, .requests_come = 100'000, .tcp = tcp}));
        CHECK(world.elapsed() >= 2s);
        CHECK(world.elapsed() <= 2'100ms);
        CHECK(world.said("1 of them with a request that nobody had begun to read"));
    }
}

TEST_CASE("a path's idle connections are let go, too") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 1, .tcp = false}));
    CHECK(world.elapsed() < 1'100ms);
    CHECK(world.did("release 300"));
}

TEST_CASE("without a status a path's idle connections are let go after a second of silence") {
    Traffic traffic{.idle_connections = 1, .workers_tell = false, .tcp = false};
    SUBCASE("at once") {}
    SUBCASE("after the last request") {
        traffic.requests = 1;
        traffic.requests_last = 3s;
    }
    const auto world = stopped(owning_plan(), with(traffic));
    CHECK(world.elapsed() >= 2s + traffic.requests_last);
    CHECK(world.elapsed() <= 2'100ms + traffic.requests_last);
    CHECK(world.did("send TERM 100"));
}

TEST_CASE("without a status idle connections over TCP do not hold the stop up") {
    const auto world = stopped(owning_plan(), with({.idle_connections = 1, .workers_tell = false}));
    CHECK(world.elapsed() < 1'100ms);
    CHECK(world.did("send TERM 100"));
}

TEST_CASE("where connections cannot be refused, the queue is empty before they are held off") {
    const auto world =
        stopped(owning_plan(), with({.closing = Closing::held_off, .queue_lasts = 300ms}));
    CHECK(world.said("waiting for the accept queue to run empty first"));
    CHECK(world.place("close-intake") < world.place("hold-off"));
    CHECK(world.elapsed() >= 1'300ms);
    CHECK(world.elapsed() < 1'400ms);
    CHECK(world.said("new connections held off"));
}

TEST_CASE("a queue that never runs empty is held off after drain.queue") {
    auto plan = owning_plan();
    plan.stop.queue = 500ms;
    const auto world = stopped(plan, with({.closing = Closing::held_off, .queue_lasts = 3s}));
    CHECK(world.did("hold-off"));
    CHECK(world.elapsed() >= 4s); // what is queued is served all the same
    CHECK(world.did("send TERM 100"));
}

TEST_CASE("an intake that stays open does not hold the stop: QUIT, and FPM finishes by itself") {
    Traffic traffic{.closing = Closing::open, .requests_last = 60s, .requests = 2};
    SUBCASE("the queue is empty at some moment") {
        traffic.queue_lasts = 100ms;
    }
    SUBCASE("the queue is never empty") {
        traffic.queue_lasts = 60s;
    }
    const auto world = stopped(owning_plan(), with(traffic));
    CHECK(world.did("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
    CHECK(world.elapsed() < 5'100ms); // twice drain.queue
    CHECK(world.said("the intake could not be closed"));
}

TEST_CASE("new connections are taken for as long as drain.announce says, and refused in linger") {
    auto plan = owning_plan();
    plan.stop.announce = 3s;
    plan.stop.linger = 2s;
    World world(plan, quick);
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run(2'900ms);
    CHECK_FALSE(world.did("close-intake"));
    world.run(500ms);
    CHECK(world.did("close-intake"));
    CHECK(world.lifecycle().state() == State::lingering);
    world.run();
    CHECK(world.elapsed() == 6'009ms);
    CHECK(world.exit_code() == 0);
}

TEST_CASE("linger ends with the deadline, or with a second INT") {
    auto plan = owning_plan();
    plan.stop.linger = 60s;
    World world(plan, quick);
    world.start();
    world.after(1s, DrainAsked{SIGINT, 0});
    SUBCASE("deadline") {
        world.run();
        CHECK(world.elapsed() == 1s + 9'500ms);
    }
    SUBCASE("hurried") {
        world.after(1s, DrainAsked{SIGINT, 0});
        CHECK(world.exit_code() == 0);
    }
}

TEST_CASE("what the deadline cuts is named by FPM's own word, and the queue is counted as lost") {
    const auto world =
        stopped(owning_plan(), with({.queue_lasts = 60s, .requests_last = 60s, .requests = 2}));
    CHECK(world.elapsed() == 10'009ms);
    CHECK(world.said("cut: pool www, worker pid 201, script /a.php"));
    CHECK(world.said("2 requests cut, 7 connections lost in the queue"));
    CHECK_FALSE(world.did("name-cut"));
}

TEST_CASE("what is in flight is said again every second") {
    const auto world = stopped(owning_plan(), with({.requests_last = 3'500ms, .requests = 1}));
    const auto reports = std::ranges::count_if(
        world.said(), [](const auto& line) { return line.starts_with("draining for"); });
    CHECK(reports == 3);
}

} // namespace sluice::core
