#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>

#include "fpm_site.h"
#include "isolation.h"
#include "processes.h"

// Where the kernel refuses a technique the next best is used, and nothing is lost either.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct Lack {
    std::function<void()> before_exec;
    bool hiding = true;
    bool sock_diag = true;
};

Lack each_lack() {
    Lack lack;
    SUBCASE("no SO_BINDTOIFINDEX") {
        lack = {forbid_hiding, false, true};
    }
    SUBCASE("no SOCK_DIAG") {
        lack = {forbid_sock_diag, true, false};
    }
    SUBCASE("neither") {
        lack = {[] {
                    forbid_hiding();
                    forbid_sock_diag();
                },
                false, false};
    }
    return lack;
}

std::vector<FastcgiRequest> many(const FpmSite& site, int count) {
    std::vector<FastcgiRequest> requests;
    for (int i = 0; i < count; ++i) {
        requests.emplace_back(site.place(), site.folder().path("app/slow.php"), "mark=a&ms=50");
        REQUIRE(requests.back().sent());
    }
    return requests;
}

} // namespace

TEST_CASE("a kernel that lacks something: a full queue and a long request are answered") {
    const Mode mode = each_mode();
    const Lack lack = each_lack();
    const bool by_path = each_transport();
    const FpmSite site(FpmLines{.by_path = by_path});
    Sluice sluice({.command = site.command(), .mode = mode, .before_exec = lack.before_exec});
    REQUIRE(site.serves());
    auto slow = site.in_flight(500ms);
    auto waiting = many(site, 12);
    sluice.signal(SIGTERM);
    for (auto& request : waiting) CHECK(FpmSite::is_whole(request.answer()));
    if (!lack.hiding && !by_path) {
        REQUIRE(sluice.logs("new connections cannot be refused"));
        CHECK(eventually([&] { return site.place().refusal() != 0; }, 2s));
    }
    CHECK(FpmSite::is_whole(slow.answer()));
    CHECK(sluice.exit_status() == 0);
    const bool held_off = !lack.hiding && !by_path;
    CHECK(contains(sluice.last_log_line(),
                   held_off ? "new connections held off" : "new connections refused"));
    CHECK_FALSE(contains(sluice.err(), "cut: "));
}

TEST_CASE("a kernel that lacks something: an idle stop is quick") {
    const Mode mode = each_mode();
    const Lack lack = each_lack();
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = mode, .before_exec = lack.before_exec});
    REQUIRE(site.serves());
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sluice.stop() == 0);
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
}

TEST_CASE("a kernel without SOCK_DIAG: work after fastcgi_finish_request() is finished") {
    const FpmSite site;
    site.folder().write("app/finish.php",
                        "<?php\necho 'early';\nfastcgi_finish_request();\n"
                        "touch(__DIR__ . '/../marks/' . $_GET['mark']);\n"
                        "$end = hrtime(true) + 500_000_000;\n"
                        "while (hrtime(true) < $end) usleep(5_000);\n"
                        "file_put_contents(__DIR__ . '/../marks/done', 'all of it');\n");
    Sluice sluice(
        {.command = site.command(), .mode = each_mode(), .before_exec = forbid_sock_diag});
    REQUIRE(site.serves());
    const auto app = site.folder().path("app/finish.php");
    CHECK(FastcgiRequest(site.place(), app, "mark=going-on").answer() == "early");
    REQUIRE(eventually([&] { return site.folder().has("marks/going-on"); }));
    CHECK(sluice.stop() == 0);
    CHECK(read_file(site.folder().path("marks/done")) == "all of it");
}

TEST_CASE("a /proc without the processes of others: nothing is lost, idle connections are let go") {
    const Mode mode = each_mode();
    if (::geteuid() != 0) {
        MESSAGE("skipped: a /proc of its own needs root");
        return;
    }
    const FpmSite site(FpmLines{.by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode, .under = with_others_hidden()});
    REQUIRE(site.serves());
    KeptConnection idle(site.place());
    REQUIRE(idle.ask(site.folder().path("app/index.php")));
    REQUIRE(idle.answer() == "pong");
    auto slow = site.in_flight(300ms);
    auto waiting = many(site, 6);
    const auto begin = std::chrono::steady_clock::now();
    sluice.signal(SIGTERM);
    for (auto& request : waiting) CHECK(FpmSite::is_whole(request.answer()));
    CHECK(FpmSite::is_whole(slow.answer()));
    CHECK(idle.ends());
    CHECK(sluice.exit_status() == 0);
    INFO(sluice.err());
    CHECK(std::chrono::steady_clock::now() - begin < 4s);
    CHECK(contains(sluice.last_log_line(), "1 idle connection let go"));
}

} // namespace tests
