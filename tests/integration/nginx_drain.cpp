#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>

#include "await.h"
#include "fpm_site.h"
#include "nginx_site.h"
#include "processes.h"

// A stop of nginx: its intake is closed, its queue is seen empty, then QUIT, and it finishes.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

pid_t worker_of(pid_t master) {
    REQUIRE(eventually([&] { return children_of(master).size() == 1; }));
    return children_of(master).front();
}

} // namespace

TEST_CASE("nginx: a request in flight at the stop is answered, and new connections are refused") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    const NginxSite site({.by_path = by_path});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    CHECK(contains(site.log(), "using inherited sockets from"));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping nginx"));
    CHECK(eventually([&] { return site.place().refusal() == (by_path ? ENOENT : ECONNREFUSED); }));
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
    CHECK(contains(sluice.last_log_line(), "nginx had finished and was gone"));
    CHECK_FALSE(site.folder().has("nginx.sock"));
    CHECK_FALSE(site.folder().has("nginx.pid"));
}

TEST_CASE("nginx: INT and QUIT stop as TERM does") {
    for (const int signal : {SIGINT, SIGQUIT}) {
        CAPTURE(signal);
        const NginxSite site;
        Sluice sluice({.command = site.command()});
        REQUIRE(site.serves());
        auto request = site.in_flight();
        sluice.signal(signal);
        CHECK(site.is_whole(request));
        CHECK(sluice.exit_status() == 0);
    }
}

TEST_CASE("nginx: what waits in its queue at the stop is answered") {
    const Mode mode = each_mode();
    const NginxSite site({.by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    const pid_t worker = worker_of(sluice.service());
    ::kill(worker, SIGSTOP);
    std::vector<HttpConnection> waiting;
    for (int i = 0; i < 20; ++i) {
        waiting.emplace_back(site.place());
        REQUIRE(waiting.back().get("/"));
    }
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping nginx"));
    CHECK(eventually([&] { return site.place().refusal() != 0; }));
    CHECK_FALSE(contains(site.log(), "gracefully shutting down"));
    ::kill(worker, SIGCONT);
    for (auto& connection : waiting) CHECK(connection.answer() == "pong");
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("the control: bare nginx loses what waits in its queue at QUIT") {
    const NginxSite site;
    ChildProcess nginx({site.command({"-g", "daemon off;"}), {}, {}});
    REQUIRE(site.serves());
    const pid_t worker = worker_of(nginx.pid());
    ::kill(worker, SIGSTOP);
    ::kill(nginx.pid(), SIGQUIT);
    REQUIRE(eventually([&] { return contains(site.log(), "signal 3 (SIGQUIT) received"); }));
    std::vector<HttpConnection> waiting;
    for (int i = 0; i < 20; ++i) {
        waiting.emplace_back(site.place());
        waiting.back().get("/");
    }
    ::kill(worker, SIGCONT);
    int answered = 0;
    for (auto& connection : waiting) answered += connection.answer() == "pong" ? 1 : 0;
    CHECK(answered < 20);
    CHECK(nginx.wait() == 0);
}

TEST_CASE("nginx: idle keep-alive connections do not hold the stop up") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    std::vector<HttpConnection> kept;
    for (int i = 0; i < 5; ++i) {
        kept.emplace_back(site.place());
        REQUIRE(kept.back().get("/"));
        REQUIRE(kept.back().answer() == "pong");
    }
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sluice.stop() == 0);
    CHECK(std::chrono::steady_clock::now() - begin < 2s);
    for (auto& connection : kept) CHECK(connection.ends());
}

TEST_CASE("nginx: a request whose head is half sent at the stop is answered") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    HttpConnection connection(site.place());
    REQUIRE(connection.send("GET / HTTP/1.1\r\nHo"));
    sluice.signal(SIGTERM);
    REQUIRE(eventually([&] { return contains(site.log(), "gracefully shutting down"); }));
    REQUIRE(connection.send("st: localhost\r\n\r\n"));
    CHECK(connection.answer() == "pong");
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("nginx: what outlives the deadline is cut and counted") {
    const NginxSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"400ms\"\n"});
    REQUIRE(site.serves());
    auto first = site.in_flight();
    auto second = site.in_flight();
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(site.is_whole(first));
    CHECK_FALSE(site.is_whole(second));
    CHECK(contains(sluice.last_log_line(), "about 2 connections cut"));
}

TEST_CASE("nginx: TERM at any moment of the start ends with 0") {
    const Mode mode = each_mode();
    for (int run = 0; run < 15; ++run) {
        CAPTURE(run);
        const NginxSite site;
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(eventually([&] {
            const auto blocked = status_field(sluice.pid(), "SigBlk");
            return (std::stoull("0" + blocked, nullptr, 16) & (1ULL << (SIGTERM - 1))) != 0;
        }));
        const timespec pause{0, run * 4'000'000L};
        ::nanosleep(&pause, nullptr);
        CHECK(sluice.stop() == 0);
    }
}

} // namespace tests
