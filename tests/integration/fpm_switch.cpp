#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "isolation.h"
#include "processes.h"
#include "reload_site.h"

// A switch that fails, and a kernel that has no selector for one.

namespace tests {

namespace {

// Another pool, which is the last to be switched: a port after www's, or a path.
std::string second_pool(const std::string& listen) {
    return "[api]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
           "\npm = static\npm.max_children = 1\nenv[GENERATION] = api\n";
}

std::string who(const ReloadSite& reload) {
    const auto script = reload.folder().path("app/who.php");
    return FastcgiRequest(reload.site().place(), script).answer().value_or("nobody");
}

} // namespace

TEST_CASE("a switch that fails at the last of two addresses is undone at the first one") {
    if (!has_fault_points()) return;
    bool by_path = false;
    std::string listen = "@folder@/marks/api.sock"; // paths come last
    std::optional<int> port;
    SUBCASE("two ports, by the selector") {
        port = free_port();
        listen = "127.0.0.1:" + std::to_string(*port);
    }
    SUBCASE("a port and a path, by the rename") {
        by_path = false;
    }
    SUBCASE("two paths, by the rename") {
        by_path = true;
    }
    const auto pool = second_pool(listen);
    ReloadSite reload(by_path, {.fpm = pool}, {.environment = {{"SLUICE_FAULT", "switch"}}});
    const auto second = port ? Place(*port) : Place(reload.folder().path("marks/api.sock"));
    REQUIRE(reload.site().serves(second));
    const auto before = reload.footprint();
    const auto master = reload.sluice().service();
    for (int times = 1; times <= 2; ++times) {
        auto request = reload.site().in_flight(500ms);
        reload.publish({.name = "bad", .fpm = pool});
        const auto told = reload.reload();
        INFO(told.text);
        CHECK(told.status == 1);
        CHECK(contains(told.text, "the switch failed: "));
        CHECK(contains(told.text, "generation 1 goes on serving"));
        CHECK(FpmSite::is_whole(request.answer()));
        // Of each worker.
        for (int i = 0; i < 10; ++i) CHECK(who(reload) == "first");
        CHECK(reload.site().serves(second));
        CHECK(reload.is_down_to(before));
        CHECK(reload.masters() == std::vector{master});
    }
    CHECK(contains(reload.status(), "ROLLED BACK"));
    CHECK_FALSE(contains(reload.sluice().err(), "reload: done"));
    CHECK(reload.sluice().stop() == 0);
    CHECK(reload.left_behind() == "");
}

TEST_CASE("a file system that cannot exchange two names: a switch is a rename") {
    ReloadSite reload(true, {}, {.before_exec = [](const FpmSite&) {
                          empty_scratch_folders();
                          forbid(SYS_renameat2, 4, 2, EINVAL); // RENAME_EXCHANGE
                      }});
    for (const std::string name : {"second", "third"}) {
        reload.publish({.name = name});
        CHECK(reload.reload().status == 0);
        CHECK(who(reload) == name);
    }
    CHECK(reload.sluice().stop() == 0);
    CHECK(reload.left_behind() == "");
}

namespace {

// A kernel, or a policy, that answers this to the selector.
Around without_selector(int error) {
    return {.before_exec = [error](const FpmSite&) {
        empty_scratch_folders();
        forbid(SYS_setsockopt, 2, SO_ATTACH_REUSEPORT_CBPF, error);
    }};
}

const std::string warmup = "[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\n";

} // namespace

TEST_CASE("a kernel without a selector: the generations share the listeners, which is said") {
    int error = 0;
    SUBCASE("it has none") {
        error = ENOPROTOOPT;
    }
    SUBCASE("a policy forbids it") {
        error = EPERM;
    }
    ReloadSite reload(false, {}, without_selector(error));
    reload.publish({.name = "second"});
    const auto told = reload.reload();
    INFO(told.text);
    CHECK(told.status == 0);
    CHECK(reload.sluice().logs("generation 2 shares the listeners"));
    CHECK(eventually([&] { return who(reload) == "second"; }));
    CHECK(reload.sluice().stop() == 0);
}

TEST_CASE("a kernel without a selector, and a warm-up: rolled back, until sharing is asked for") {
    ReloadSite reload(false, {}, without_selector(ENOPROTOOPT));
    reload.publish({.name = "bad", .sluice = warmup});
    const auto told = reload.reload();
    INFO(told.text);
    CHECK(told.status == 1);
    CHECK(contains(told.text, "reload.strategy = \"shared\""));
    CHECK(contains(told.text, "[[reload.warmup]]"));
    CHECK(who(reload) == "first");
    reload.publish({.name = "second", .sluice = "[reload]\nstrategy = \"shared\"\n" + warmup});
    CHECK(reload.reload().status == 0);
    CHECK(eventually([&] { return who(reload) == "second"; }));
    CHECK(reload.sluice().stop() == 0);
}

TEST_CASE("a selector that fails for once is no reason to share the listeners") {
    ReloadSite reload(false, {}, without_selector(ENOMEM));
    reload.publish({.name = "bad"});
    const auto told = reload.reload();
    INFO(told.text);
    CHECK(told.status == 1);
    CHECK(contains(told.text, "reload rolled back"));
    CHECK(contains(told.text, "more memory"));
    CHECK(who(reload) == "first");
    CHECK(reload.sluice().stop() == 0);
}

} // namespace tests
