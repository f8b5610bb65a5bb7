#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>

#include "await.h"
#include "fastcgi.h"
#include "nginx_site.h"
#include "processes.h"

// What sluice finds out about nginx, which of its sockets it binds, and what it refuses.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Served, never a daemon, and what is in flight at the stop is answered.
void check_is_nginx(const NginxSite& site, Launch launch) {
    CAPTURE(launch.command.front());
    launch.environment = {{"PATH", site.folder().path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin"}};
    Sluice sluice(launch);
    REQUIRE(site.serves());
    CHECK(sluice.logs("kind nginx"));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
}

// Nothing was started: nginx has neither written its pid nor forked a worker.
void check_refused(const NginxSite& site, Sluice& sluice, int status) {
    CHECK(sluice.exit_status() == status);
    CHECK_FALSE(contains(site.log(), "start worker process"));
}

} // namespace

TEST_CASE("sluice check shows nginx's plan, with its sockets") {
    const NginxSite site;
    Sluice check({.command = site.command(), .options = {"check"}});
    CHECK(check.exit_status() == 0);
    CHECK(check.err().empty());
    CHECK(check.out().starts_with("kind        nginx\n"));
    CHECK(contains(check.out(), "127.0.0.1:" + std::to_string(site.port()) + ", backlog 511\n"));
    CHECK(contains(check.out(), "QUIT"));
    CHECK_FALSE(contains(check.out(), "notice"));
    CHECK(site.place().refusal() != 0);
}

TEST_CASE("nginx stays in the foreground, whatever its configuration says") {
    const NginxSite site({.main = "daemon on;"});
    check_is_nginx(site, {.command = site.command(), .mode = each_mode()});
}

TEST_CASE("nginx is recognised behind the official image's script") {
    const NginxSite site;
    site.folder().write("bin/docker-entrypoint.sh", "#!/bin/sh\nexec \"$@\"\n", 0755);
    auto command = site.command({"-g", "daemon off;"});
    command.insert(command.begin(), "docker-entrypoint.sh");
    check_is_nginx(site, {.command = command, .mode = each_mode()});
    CHECK(contains(site.log(), "using inherited sockets from"));
}

TEST_CASE("behind another script nginx keeps its sockets, and is stopped by QUIT") {
    const NginxSite site;
    site.folder().write("bin/start.sh", "#!/bin/sh\nexec \"$@\"\n", 0755);
    auto command = site.command({"-g", "daemon off;"});
    command.insert(command.begin(), site.folder().path("bin/start.sh"));
    Sluice check({.command = command, .options = {"check"}});
    CHECK(check.exit_status() == 0);
    CHECK(contains(check.out(), "start.sh may write nginx's configuration: its sockets are left"));
    check_is_nginx(site, {.command = command, .mode = each_mode()});
    CHECK_FALSE(contains(site.log(), "using inherited sockets from"));
}

TEST_CASE("a listen that sluice cannot own is left to nginx, the others are not") {
    const int other = free_port();
    const NginxSite site({.main = "daemon off;",
                          .http = "server { listen 127.0.0.1:" + std::to_string(other) +
                                  " reuseport; return 200 other; }"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    CHECK(sluice.logs("listen 127.0.0.1:" + std::to_string(other) +
                      " is left to nginx, because with reuseport"));
    REQUIRE(site.serves());
    REQUIRE(site.serves("other", Place(other)));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("an nginx that would go to the background is told of where it keeps its sockets") {
    const NginxSite site({.listen = "listen 127.0.0.1:@port@ reuseport;"});
    Sluice check({.command = site.command(), .options = {"check"}});
    CHECK(check.exit_status() == 0);
    CHECK(contains(check.out(), "write \"daemon off;\" into nginx.conf"));
}

TEST_CASE("a broken configuration of nginx's is said, and nothing is started") {
    const NginxSite site({.main = "nonsense on;"});
    for (const auto& options : {std::vector<std::string>{}, {"check"}}) {
        Sluice sluice({.command = site.command(), .options = options});
        check_refused(site, sluice, 1);
        CHECK(contains(sluice.err(), "nginx -T exited with status 1"));
        CHECK(contains(sluice.err(), "unknown directive \"nonsense\" in " + site.config()));
    }
}

TEST_CASE("a port that somebody else has is said before nginx is started") {
    const NginxSite site;
    const NginxSite other({.listen = "listen 127.0.0.1:" + std::to_string(site.port()) + ";"});
    ChildProcess nginx({other.command({"-g", "daemon off;"}), {}, {}});
    REQUIRE(site.serves());
    Sluice sluice({.command = site.command()});
    check_refused(site, sluice, 125);
    CHECK(contains(sluice.err(), "127.0.0.1:" + std::to_string(site.port())));
    CHECK(site.serves()); // by the other one still
}

TEST_CASE("a unix socket that a dead nginx left behind is replaced, one that is served is not") {
    const NginxSite site({.by_path = true});
    {
        ChildProcess nginx({site.command({"-g", "daemon off;"}), {}, {}});
        REQUIRE(site.serves());
        Sluice sluice({.command = site.command()});
        CHECK(sluice.exit_status() == 125);
        CHECK(contains(sluice.err(), site.folder().path("nginx.sock")));
        CHECK(site.serves());
        ::kill(nginx.pid(), SIGSTOP); // or it would replace its worker
        kill_tree(nginx.pid());
    }
    REQUIRE(site.folder().has("nginx.sock"));
    check_is_nginx(site, {.command = site.command(), .mode = each_mode()});
}

TEST_CASE("wildcards of both IP versions are bound side by side") {
    const NginxSite site({.listen = "listen @port@; listen [::]:@port@;"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(site.serves("pong", Place("::1", site.port())));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("one socket serves both IP versions with ipv6only=off") {
    const NginxSite site({.listen = "listen [::]:@port@ ipv6only=off;"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(site.serves("pong", Place("::1", site.port())));
    auto request = site.in_flight();
    sluice.signal(SIGTERM);
    CHECK(eventually([&] { return site.place().refusal() == ECONNREFUSED; }));
    CHECK(site.is_whole(request));
    CHECK(sluice.exit_status() == 0);
}

} // namespace tests
