#include <doctest/doctest.h>

#include <chrono>
#include <csignal>

#include "fpm_site.h"
#include "processes.h"

// Connections that a web server keeps for its next request (nginx: fastcgi_keep_conn on).

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A connection that has had its answer and waits for nothing.
KeptConnection idle_connection(const FpmSite& site) {
    KeptConnection connection(site.place());
    REQUIRE(connection.ask(site.folder().path("app/index.php")));
    REQUIRE(connection.answer() == "pong");
    return connection;
}

// Far below the deadline of 9 s.
bool stops_at_once(Sluice& sluice) {
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sluice.stop() == 0);
    return std::chrono::steady_clock::now() - begin < 2s;
}

} // namespace

TEST_CASE("an idle connection that is kept is let go at the stop") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    const auto first = idle_connection(site);
    const auto second = idle_connection(site);
    CHECK(stops_at_once(sluice));
    CHECK(first.ends());
    CHECK(second.ends());
    CHECK(contains(sluice.last_log_line(), "2 idle connections let go"));
    CHECK_FALSE(contains(sluice.err(), "cut: "));
}

TEST_CASE("an idle connection to a pool with listen.allowed_clients is let go") {
    const FpmSite site(FpmLines{.pool = "listen.allowed_clients = 127.0.0.1\n"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const auto idle = idle_connection(site);
    CHECK(stops_at_once(sluice));
    CHECK(idle.ends());
    CHECK(contains(sluice.last_log_line(), "1 idle connection let go"));
}

TEST_CASE("a kept connection with a request in flight is answered before it is let go") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    const auto idle = idle_connection(site);
    auto busy = idle_connection(site);
    REQUIRE(busy.ask(site.folder().path("app/slow.php"), "mark=kept&ms=300"));
    REQUIRE(eventually([&] { return site.folder().has("marks/kept"); }));
    sluice.signal(SIGTERM);
    CHECK(FpmSite::is_whole(busy.answer()));
    CHECK(busy.ends());
    CHECK(idle.ends());
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "let go"));
}

TEST_CASE("idle connections that are kept beside a full queue: all of it is answered") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.pool = "pm.max_children = 2\n", .by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    const auto idle = idle_connection(site);
    std::vector<FastcgiRequest> requests;
    for (int i = 0; i < 10; ++i) {
        requests.emplace_back(site.place(), site.folder().path("app/slow.php"), "mark=any&ms=30");
    }
    sluice.signal(SIGTERM);
    for (auto& request : requests) CHECK(FpmSite::is_whole(request.answer()));
    CHECK(idle.ends());
    CHECK(sluice.exit_status() == 0);
}

} // namespace tests
