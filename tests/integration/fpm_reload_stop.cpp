#include <doctest/doctest.h>

#include <csignal>

#include "processes.h"
#include "reload_steps.h"
#include "steady_load.h"

// A stop during a reload: it wins, loses nothing and leaves nothing behind.

namespace tests {

namespace {

// Far below the deadline of 9 s, and above what is in flight.
constexpr auto quick = 6s;

void has_stopped(ReloadSite& reload, SteadyLoad& load,
                 std::chrono::steady_clock::time_point since) {
    CHECK(reload.sluice().exit_status() == 0);
    CHECK(std::chrono::steady_clock::now() - since < quick);
    const auto tally = load.end();
    CHECK(tally.lost == 0);
    CHECK(tally.answered > 0);
    CHECK(contains(reload.sluice().last_log_line(), "stopped in"));
    CHECK_FALSE(contains(reload.sluice().err(), "cut: "));
    CHECK(contains(reload.sluice().last_log_line(), ", 0 requests cut"));
}

void is_told_of_the_stop(ChildProcess& client) {
    const auto told = ReloadSite::end_of(client);
    INFO(told.text);
    CHECK(told.status == 1);
    CHECK(contains(told.text, "sluice is stopping"));
}

} // namespace

TEST_CASE("a stop in each step of a reload: the live generation finishes, the next one is gone") {
    const bool by_path = each_transport();
    for (const auto at : HeldReload::all()) {
        const auto step = HeldReload::name_of(at);
        CAPTURE(step);
        HeldReload held(at, by_path);
        auto& reload = held.site();
        SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
        REQUIRE(load.meets("first"));
        auto slow = reload.site().in_flight(1s);
        held.begin();
        const auto begin = std::chrono::steady_clock::now();
        reload.sluice().signal(SIGTERM);
        CHECK(FpmSite::is_whole(slow.answer()));
        has_stopped(reload, load, begin);
        CHECK_FALSE(load.so_far().met("held"));
        if (held.client() != nullptr) is_told_of_the_stop(*held.client());
        CHECK(reload.left_behind() == "");
    }
}

TEST_CASE("a stop in each step of a reload, and nothing in flight") {
    const bool by_path = each_transport();
    for (const auto at : HeldReload::all()) {
        const auto step = HeldReload::name_of(at);
        CAPTURE(step);
        HeldReload held(at, by_path);
        auto& reload = held.site();
        held.begin();
        const auto begin = std::chrono::steady_clock::now();
        CHECK(reload.sluice().stop() == 0);
        CHECK(std::chrono::steady_clock::now() - begin < 3s);
        if (held.client() != nullptr) is_told_of_the_stop(*held.client());
        CHECK(reload.left_behind() == "");
    }
}

TEST_CASE("a stop while a second reload waits: who waits for either is told") {
    HeldReload held(HeldReload::At::warming, each_transport());
    auto& reload = held.site();
    held.begin();
    const auto second = reload.client({"reload", "--wait"});
    REQUIRE(reload.sluice().logs("another follows it"));
    CHECK(reload.sluice().stop() == 0);
    is_told_of_the_stop(*held.client());
    is_told_of_the_stop(*second);
    CHECK(reload.left_behind() == "");
}

TEST_CASE("a second INT in each step of a reload: what is in flight is cut, nothing is left") {
    const bool by_path = each_transport();
    for (const auto at : HeldReload::all()) {
        const auto step = HeldReload::name_of(at);
        CAPTURE(step);
        HeldReload held(at, by_path);
        auto& reload = held.site();
        auto slow = reload.site().in_flight(100s);
        held.begin();
        reload.sluice().signal(SIGINT);
        REQUIRE(reload.sluice().logs("stopping php-fpm8.2"));
        reload.sluice().signal(SIGINT);
        CHECK(reload.sluice().exit_status() == 0);
        CHECK_FALSE(slow.answer().has_value());
        CHECK(contains(reload.sluice().last_log_line(), "1 request cut"));
        CHECK(reload.left_behind() == "");
    }
}

TEST_CASE("a stop right after the switch: requests in flight in either generation finish") {
    ReloadSite reload(each_transport());
    SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
    REQUIRE(load.meets("first"));
    auto old = reload.site().in_flight(2s);
    reload.publish({.name = "second"});
    const auto told = reload.reload();
    CHECK(told.status == 0);
    REQUIRE(load.meets("second"));
    auto live = reload.site().in_flight(2s);
    const auto begin = std::chrono::steady_clock::now();
    reload.sluice().signal(SIGTERM);
    CHECK(FpmSite::is_whole(old.answer()));
    CHECK(FpmSite::is_whole(live.answer()));
    has_stopped(reload, load, begin);
    CHECK(reload.left_behind() == "");
}

TEST_CASE("a stop after the switch: the old generation's request is the longer one") {
    ReloadSite reload(each_transport());
    auto old = reload.site().in_flight(2s);
    reload.publish({.name = "second"});
    REQUIRE(reload.reload().status == 0);
    CHECK(reload.sluice().stop() == 0);
    CHECK(FpmSite::is_whole(old.answer()));
    CHECK(reload.left_behind() == "");
}

TEST_CASE("a stop after the switch: what the old generation does not finish is cut and counted") {
    ReloadSite reload(each_transport(), {.sluice = "[drain]\ndeadline = \"500ms\"\n"});
    auto old = reload.site().in_flight(100s);
    reload.publish({.name = "second", .sluice = "[drain]\ndeadline = \"500ms\"\n"});
    REQUIRE(reload.reload().status == 0);
    auto live = reload.site().in_flight(100s);
    const auto begin = std::chrono::steady_clock::now();
    CHECK(reload.sluice().stop() == 0);
    CHECK(std::chrono::steady_clock::now() - begin < quick);
    CHECK_FALSE(old.answer().has_value());
    CHECK_FALSE(live.answer().has_value());
    CHECK(occurrences(reload.sluice().err(), "cut: pool www") == 2);
    CHECK(reload.left_behind() == "");
}

TEST_CASE("a stop together with the switch: nothing is lost") {
    const bool by_path = each_transport();
    for (int run = 0; run < 10; ++run) {
        CAPTURE(run);
        ReloadSite reload(by_path);
        SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
        REQUIRE(load.meets("first"));
        reload.publish({.name = "second"});
        const auto begin = std::chrono::steady_clock::now();
        reload.sluice().signal(SIGHUP);
        // Each run a little later in the reload; which step that meets does not matter.
        eventually([&] { return false; }, std::chrono::milliseconds(8 * run));
        reload.sluice().signal(SIGTERM);
        has_stopped(reload, load, begin);
        CHECK(reload.left_behind() == "");
    }
}

} // namespace tests
