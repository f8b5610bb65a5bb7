#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "await.h"
#include "fastcgi.h"
#include "fpm_site.h"
#include "nginx_site.h"
#include "processes.h"

// nginx's own signals are nginx's, and its death.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("HUP: nginx reloads, goes on serving on sluice's sockets, and is stopped as before") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    const NginxSite site({.by_path = by_path});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(site.serves());
    const pid_t master = sluice.service();
    auto before = site.in_flight();
    site.configure({.by_path = by_path}, "other");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("other"));
    CHECK(site.is_whole(before));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
    CHECK(sluice.pid() != master);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
}

TEST_CASE("a stop right after HUP: the workers of before finish, too") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    auto before = site.in_flight();
    site.configure({}, "other");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("other"));
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(before));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("a listen that HUP adds is nginx's own, and the stop is as before") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const Place added(free_port());
    const auto port = added.text().substr(added.text().find(' ') + 1);
    site.configure({.listen = "listen 127.0.0.1:@port@; listen 127.0.0.1:" + port + ";"}, "other");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("other"));
    REQUIRE(site.serves("other", added));
    auto first = site.in_flight();
    auto second = site.in_flight(added);
    sluice.signal(SIGTERM);
    CHECK(eventually([&] { return site.place().refusal() != 0 && added.refusal() != 0; }));
    CHECK(site.is_whole(first));
    CHECK(site.is_whole(second));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("a listen that HUP removes is refused, and may come back") {
    const int second = free_port();
    const NginxLines two{
        .listen = "listen 127.0.0.1:@port@; listen 127.0.0.1:" + std::to_string(second) + ";"};
    const NginxSite site(two);
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(site.serves("pong", Place(second)));
    site.configure({}, "one");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("one"));
    CHECK(eventually([&] { return Place(second).refusal() == ECONNREFUSED; }));
    CHECK(sluice.logs("listens on 127.0.0.1:" + std::to_string(second) + " no more"));
    site.configure(two, "two");
    sluice.signal(SIGHUP);
    CHECK(site.serves("two", Place(second)));
    CHECK(site.serves("two"));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("a stop right after a HUP that removes a listen waits for nobody there") {
    const int second = free_port();
    const NginxSite site(
        {.listen = "listen 127.0.0.1:@port@; listen 127.0.0.1:" + std::to_string(second) + ";"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves("pong", Place(second)));
    site.configure({}, "one");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("one"));
    REQUIRE(eventually([&] { return contains(site.log(), "exited with code 0"); }));
    const HttpConnection nobody_accepts{Place(second)};
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sluice.stop() == 0);
    CHECK(std::chrono::steady_clock::now() - begin < 5s);
}

TEST_CASE("a killed nginx whose workers hold a port of their own: the next run gets it") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("nginx handles signals"));
    const int second = free_port();
    site.configure(
        {.listen = "listen 127.0.0.1:@port@; listen 127.0.0.1:" + std::to_string(second) + ";"},
        "two");
    sluice.signal(SIGHUP);
    REQUIRE(site.serves("two", Place(second)));
    auto request = site.in_flight();
    ::kill(sluice.service(), SIGKILL);
    REQUIRE(sluice.logs("nginx handles signals", 2));
    CHECK(site.is_whole(request));
    CHECK(site.serves("two"));
    CHECK(site.serves("two", Place(second)));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a broken configuration at HUP changes nothing") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    site.configure({.main = "nonsense on;"}, "other");
    sluice.signal(SIGHUP);
    REQUIRE(eventually([&] { return contains(site.log(), "unknown directive"); }));
    CHECK(site.serves());
    CHECK(sluice.stop() == 0);
}

TEST_CASE("USR1: nginx opens its log again") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const auto log = site.folder().path("error.log");
    REQUIRE(std::rename(log.c_str(), (log + ".1").c_str()) == 0);
    sluice.signal(SIGUSR1);
    CHECK(eventually([&] { return site.folder().has("error.log"); }));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a killed nginx: its workers finish and leave, and a new run serves") {
    const NginxSite site({.by_path = false});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("nginx handles signals"));
    const pid_t master = sluice.service();
    const auto workers = children_of(master);
    auto request = site.in_flight();
    ::kill(master, SIGKILL);
    CHECK(site.serves()); // by the workers that are left
    REQUIRE(sluice.logs("nginx handles signals", 2));
    CHECK(site.is_whole(request));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    for (const pid_t worker : workers) CHECK_FALSE(exists(worker));
    CHECK(site.serves());
    CHECK(sluice.service() != master);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a killed nginx with sockets of its own: its workers leave them to the next run") {
    const NginxSite site({.main = "daemon off;", .listen = "listen 127.0.0.1:@port@ reuseport;"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("nginx handles signals"));
    auto request = site.in_flight();
    ::kill(sluice.service(), SIGKILL);
    REQUIRE(sluice.logs("nginx handles signals", 2));
    CHECK(site.serves());
    CHECK(site.is_whole(request));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a stop while the workers of a killed nginx serve alone: they finish") {
    const NginxSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[service]\nrestart_backoff = \"30s..30s\"\n"});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("nginx handles signals"));
    auto request = site.in_flight();
    ::kill(sluice.service(), SIGKILL);
    REQUIRE(sluice.logs("the workers of the dead master go on serving"));
    CHECK(site.serves());
    sluice.signal(SIGTERM);
    CHECK(eventually([&] { return site.place().refusal() != 0; }));
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 137); // the master's
}

TEST_CASE("an nginx that is killed during the stop leaves its workers to finish") {
    const NginxSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    auto request = site.in_flight();
    const pid_t master = sluice.service();
    sluice.signal(SIGTERM);
    REQUIRE(eventually([&] { return contains(site.log(), "gracefully shutting down"); }));
    ::kill(master, SIGKILL);
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 137);
}

TEST_CASE("all of nginx killed: what comes meanwhile waits, and the next run answers it") {
    const NginxSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[service]\nrestart_backoff = \"500ms..1s\"\n"});
    REQUIRE(site.serves());
    const pid_t master = sluice.service();
    const auto workers = children_of(master);
    ::kill(master, SIGSTOP); // or it would replace the workers
    for (const pid_t worker : workers) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
    REQUIRE(sluice.logs("starting it again"));
    HttpConnection connection(site.place()); // during the back-off
    REQUIRE(connection.get("/"));
    CHECK(connection.answer() == "pong");
    CHECK(sluice.stop() == 0);
}

} // namespace tests
