#include <doctest/doctest.h>

#include <csignal>
#include <functional>

#include "processes.h"
#include "reload_steps.h"
#include "steady_load.h"
#include "switched.h"

// FPM is killed during a reload: the service goes on, and the reload is done afterwards.

namespace tests {

namespace {

// That a generation has: each may lose the request that it executes.
constexpr int workers = 3;

// The steady state: one generation, nothing of others, and it reloads and stops.
void is_well(ReloadSite& reload, SteadyLoad& load, const ReloadSite::Footprint& before) {
    CHECK_MESSAGE(reload.is_down_to(before),
                  "before: " << before.text() << "; now: " << reload.footprint().text());
    const auto status = reload.status();
    INFO(status);
    CHECK(contains(status, ": running;"));
    CHECK_FALSE(contains(status, "retiring"));
    CHECK_FALSE(contains(status, "no process"));
    reload.publish({.name = "last"});
    const auto told = reload.reload();
    INFO(told.text);
    CHECK(told.status == 0);
    CHECK(load.meets("last"));
    CHECK(load.end().refused == 0);
    CHECK(reload.is_down_to(before));
    CHECK(reload.sluice().stop() == 0);
    CHECK(reload.left_behind() == "");
}

void killed_in_each_step(bool by_path, const std::function<void(pid_t)>& kill, int most_lost) {
    for (const auto at : HeldReload::all()) {
        const auto step = HeldReload::name_of(at);
        CAPTURE(step);
        HeldReload held(at, by_path);
        auto& reload = held.site();
        SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
        REQUIRE(load.meets("first"));
        REQUIRE(eventually([&] { return reload.masters().size() == 1; }));
        const pid_t live = reload.masters().front();
        held.begin();
        kill(live);
        REQUIRE(reload.sluice().logs("starting it again"));
        held.open({.name = "second"});
        CHECK(reload.sluice().logs("reload: done", 2)); // the restart has read php-fpm.conf, too
        const auto log = reload.sluice().err();
        INFO(log);
        CHECK(load.meets("second"));
        CHECK_FALSE(load.so_far().met("held"));
        CHECK(load.so_far().lost <= most_lost);
        if (held.client() != nullptr) {
            const auto told = ReloadSite::end_of(*held.client());
            INFO(told.text);
            CHECK(told.status == 0);
        }
        is_well(reload, load, held.before());
    }
}

} // namespace

TEST_CASE("the live master is killed in each step of a reload: nothing is lost, it is reloaded") {
    killed_in_each_step(
        each_transport(), [](pid_t live) { ::kill(live, SIGKILL); }, 0);
}

TEST_CASE("the live generation is killed in each step of a reload: what is queued is answered") {
    killed_in_each_step(each_transport(), kill_all_of, workers);
}

TEST_CASE("after the switch the old master is killed: its workers finish, then nothing is left") {
    Switched at(each_transport());
    ::kill(at.old, SIGKILL);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    CHECK(at.reload.sluice().logs("generation 2 retired in"));
    CHECK(at.load.so_far().lost == 0);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("after the switch all of the old generation is killed: the live one serves on") {
    Switched at(each_transport(), 100s);
    kill_all_of(at.old);
    CHECK_FALSE(at.slow->answer().has_value());
    CHECK(at.load.meets("second"));
    CHECK(at.load.so_far().lost == 0);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("after the switch the live master is killed: nothing is lost in either generation") {
    Switched at(each_transport());
    ::kill(at.live, SIGKILL);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    CHECK(at.reload.sluice().logs("php-fpm8.2 answers", 2));
    CHECK(at.load.meets("second"));
    CHECK(at.load.so_far().lost == 0);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("after the switch all of the live generation is killed: what is queued is answered") {
    Switched at(each_transport());
    kill_all_of(at.live);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    CHECK(at.reload.sluice().logs("php-fpm8.2 answers", 2));
    CHECK(at.load.meets("second"));
    CHECK(at.load.so_far().lost <= workers);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("after the switch both masters are killed, in either order: nothing is lost") {
    const bool by_path = each_transport();
    for (const bool old_first : {true, false}) {
        CAPTURE(old_first);
        Switched at(by_path);
        ::kill(old_first ? at.old : at.live, SIGKILL);
        ::kill(old_first ? at.live : at.old, SIGKILL);
        CHECK(FpmSite::is_whole(at.slow->answer()));
        CHECK(at.reload.sluice().logs("php-fpm8.2 answers", 2));
        CHECK(at.load.meets("second"));
        CHECK(at.load.so_far().lost == 0);
        is_well(at.reload, at.load, at.before);
    }
}

TEST_CASE("after the switch all of both generations is killed: the next run serves") {
    Switched at(each_transport(), 100s);
    kill_all_of(at.old);
    kill_all_of(at.live);
    CHECK_FALSE(at.slow->answer().has_value());
    CHECK(at.reload.sluice().logs("php-fpm8.2 answers", 2));
    CHECK(at.load.meets("second"));
    CHECK(at.load.so_far().lost <= workers);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("the old master is killed after the switch, and another reload waits: it is done") {
    Switched at(each_transport());
    at.reload.publish({.name = "third"});
    const auto waits = at.reload.client({"reload", "--wait"});
    REQUIRE(at.reload.sluice().logs("begins when the generation before has gone"));
    ::kill(at.old, SIGKILL);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    const auto told = ReloadSite::end_of(*waits);
    INFO(told.text);
    CHECK(told.status == 0);
    CHECK(at.load.meets("third"));
    CHECK(at.load.so_far().lost == 0);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("the live master is killed after the switch, and another reload waits: it is done") {
    Switched at(each_transport());
    at.reload.publish({.name = "third"});
    const auto waits = at.reload.client({"reload", "--wait"});
    REQUIRE(at.reload.sluice().logs("begins when the generation before has gone"));
    ::kill(at.live, SIGKILL);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    const auto told = ReloadSite::end_of(*waits);
    INFO(told.text);
    CHECK(told.status == 0);
    CHECK(at.load.meets("third"));
    CHECK(at.load.so_far().lost == 0);
    is_well(at.reload, at.load, at.before);
}

TEST_CASE("both the live and the next generation are killed in a warm-up: it is done again") {
    HeldReload held(HeldReload::At::warming, each_transport());
    auto& reload = held.site();
    SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
    REQUIRE(load.meets("first"));
    held.begin();
    held.open({.name = "second"});
    for (const pid_t master : reload.masters()) kill_all_of(master);
    CHECK(reload.sluice().logs("php-fpm8.2 answers", 2));
    CHECK(load.so_far().lost <= workers);
    const auto told = ReloadSite::end_of(*held.client());
    if (told.status != 0) { // the next one may have died first
        CHECK(reload.reload().status == 0);
    }
    CHECK(load.meets("second"));
    is_well(reload, load, held.before());
}

TEST_CASE("a stop after the live master has died in a reload: nothing is lost") {
    const bool by_path = each_transport();
    for (const auto at : HeldReload::all()) {
        const auto step = HeldReload::name_of(at);
        CAPTURE(step);
        HeldReload held(at, by_path);
        auto& reload = held.site();
        SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
        REQUIRE(load.meets("first"));
        auto slow = reload.site().in_flight(1s);
        REQUIRE(eventually([&] { return reload.masters().size() == 1; }));
        const pid_t live = reload.masters().front();
        held.begin();
        ::kill(live, SIGKILL);
        REQUIRE(reload.sluice().logs("starting it again"));
        reload.sluice().signal(SIGTERM);
        CHECK(FpmSite::is_whole(slow.answer()));
        reload.sluice().exit_status(); // the master's, or that of the run that was started since
        CHECK(load.end().lost == 0);
        if (held.client() != nullptr) CHECK(ReloadSite::end_of(*held.client()).status == 1);
        CHECK(reload.left_behind() == "");
    }
}

} // namespace tests
