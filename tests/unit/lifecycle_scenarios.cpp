#include <doctest/doctest.h>

#include <csignal>

#include "tests/unit/world.h"

namespace sluice::core {

using namespace std::chrono_literals;

TEST_CASE("an idle FPM is stopped by QUIT and its status is sluice's") {
    World world(fpm_plan(), {.ends_after = {{SIGQUIT, 15ms}}});
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.exit_code() == 0);
    CHECK(world.elapsed() == 1'015ms);
    CHECK(world.did("send QUIT 100"));
    CHECK_FALSE(world.did("send TERM 100"));
    CHECK(world.said().back() == "stopped in 15 ms: finished, 0 requests cut; php-fpm exited with "
                                 "status 0; sluice exits with 0");
}

TEST_CASE("a stop during FPM's first milliseconds is held until FPM catches it") {
    World world(fpm_plan(), {.ready_after = 40ms, .ends_after = {{SIGQUIT, 10ms}}});
    world.start();
    world.after(5ms, DrainAsked{SIGQUIT, 0});
    CHECK_FALSE(world.did("send QUIT 100"));
    world.run();
    CHECK(world.did("send QUIT 100"));
    CHECK(world.elapsed() == 50ms);
}

TEST_CASE("a stop is not held for ever: an entrypoint script may never catch it") {
    World world(fpm_plan(), {.ready_after = {}, .ends_after = {{SIGQUIT, 0ms}}});
    world.start();
    world.after(5ms, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.elapsed() == 1'005ms);
}

TEST_CASE("a request longer than the deadline is named and cut by TERM, 9 s after the signal") {
    World world(fpm_plan(), {.ends_after = {{SIGQUIT, 60s}, {SIGTERM, 10ms}}});
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.elapsed() == 10'010ms);
    CHECK(world.did("name-cut"));
    CHECK(world.said().back() == "stopped in 9.0 s: cut at the deadline, 1 request cut; php-fpm "
                                 "exited with status 0; sluice exits with 0");
}

TEST_CASE("a service that ignores everything is killed 500 ms after the deadline") {
    World world(fpm_plan(), {});
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.run();
    CHECK(world.elapsed() == 10'500ms);
    CHECK(world.exit_code() == 137);
    CHECK(world.said().back() ==
          "stopped in 9.5 s: cut at the deadline and killed, 1 request cut; php-fpm was ended by "
          "signal KILL; sluice exits with 137");
}

TEST_CASE("a repeated TERM changes nothing, a second INT shortens what is left to nothing") {
    World world(fpm_plan(), {.ends_after = {{SIGQUIT, 60s}, {SIGTERM, 10ms}}});
    world.start();
    world.after(1s, DrainAsked{SIGTERM, 0});
    world.after(100ms, DrainAsked{SIGTERM, 0});
    world.after(100ms, DrainAsked{SIGINT, 0});
    CHECK_FALSE(world.did("send TERM 100"));
    world.after(100ms, DrainAsked{SIGINT, 0});
    CHECK(world.did("send TERM 100"));
    world.run();
    CHECK(world.elapsed() == 1'310ms);
}

TEST_CASE("a third INT kills what outlives TERM") {
    World world(fpm_plan(), {});
    world.start();
    for (int i = 0; i < 3; ++i) world.after(100ms, DrainAsked{SIGINT, 0});
    world.run();
    CHECK(world.elapsed() == 300ms);
    CHECK(world.exit_code() == 137);
}

TEST_CASE("a service that dies is started again after pauses that double, then given up") {
    World world(fpm_plan(), {.ready_after = 1ms, .dies_after = 10ms, .dies_with = exited_with(3)});
    world.start();
    world.run();
    CHECK(world.spawns() == 6); // the first and five restarts
    CHECK(world.elapsed() == 6 * 10ms + 100ms + 200ms + 400ms + 800ms + 1'600ms);
    CHECK(world.exit_code() == 3);
}

TEST_CASE("FPM's refusal of its configuration is final") {
    World world(fpm_plan(), {.ready_after = {}, .dies_after = 5ms, .dies_with = exited_with(78)});
    world.start();
    world.run();
    CHECK(world.spawns() == 1);
    CHECK(world.exit_code() == 78);
}

TEST_CASE("an FPM that exits with 0 by itself is not a failure") {
    World world(fpm_plan(), {.dies_after = 1s, .dies_with = exited_with(0)});
    world.start();
    world.run();
    CHECK(world.spawns() == 1);
    CHECK(world.exit_code() == 0);
}

TEST_CASE("without listeners of sluice's the orphans of a dead master are swept before the next "
          "run is started") {
    World world(fpm_plan(),
                {.dies_after = 1s, .dies_with = killed_by(SIGKILL), .leaves_orphan = true});
    world.start();
    world.run(1'700ms);
    CHECK(world.deeds() == std::vector<std::string>{"spawn", "await-ready", "sweep TERM",
                                                    "arm sweep", "sweep KILL", "arm sweep",
                                                    "arm restart", "spawn", "await-ready"});
}

TEST_CASE("a stop during the back-off ends at once with the status of the death") {
    World world(fpm_plan(), {.dies_after = 1s, .dies_with = killed_by(SIGSEGV)});
    world.start();
    world.after(1'050ms, DrainAsked{SIGTERM, 0});
    CHECK(world.exit_code() == 139);
    CHECK(world.spawns() == 1);
}

TEST_CASE("a lack of processes is tried again, a missing program is not") {
    SUBCASE("passing") {
        World world(fpm_plan(), {.spawn_fails = SpawnFailed{125, true}});
        world.start();
        world.run();
        CHECK(world.exit_code() == 125);
        CHECK(world.elapsed() == 3'100ms);
    }
    SUBCASE("final") {
        World world(fpm_plan(), {.spawn_fails = SpawnFailed{127, false}});
        world.start();
        world.run();
        CHECK(world.exit_code() == 127);
        CHECK(world.elapsed() == 0ms);
    }
}

TEST_CASE("a reload waits for FPM to be up and is FPM's own") {
    World world(fpm_plan(), {.ready_after = 40ms});
    world.start();
    world.after(5ms, ReloadAsked{});
    CHECK_FALSE(world.did("send USR2 100"));
    world.after(100ms, DrainAsked{SIGTERM, 0});
    CHECK(world.did("send USR2 100"));
}

TEST_CASE("a plain service gets everything as it came and is never cut short") {
    World world(plain_plan(), {.ends_after = {{SIGTERM, 3h}}});
    world.start();
    world.after(1s, ForwardAsked{SIGTERM, {}});
    world.run(4h);
    CHECK(world.deeds() == std::vector<std::string>{"spawn", "send TERM 100", "finish 0"});
    CHECK(world.elapsed() == 3h + 1s);
}

TEST_CASE("a plain service with a deadline is stopped by the signal that came") {
    config::Settings settings;
    settings.drain.deadline = 2s;
    World world(make_plan(config::Kind::plain, {"app"}, settings, {}), {});
    world.start();
    world.after(1s, DrainAsked{SIGINT, 0});
    CHECK(world.did("send INT 100"));
    world.run();
    CHECK(world.elapsed() == 3'500ms);
}

TEST_CASE("exit statuses are mapped at the very end") {
    Options options;
    options.map_exit = {{143, 0}};
    World world(make_plan(config::Kind::plain, {"app"}, {}, options),
                {.dies_after = 1s, .dies_with = killed_by(SIGTERM)});
    world.start();
    world.run();
    CHECK(world.exit_code() == 0);
}

} // namespace sluice::core
