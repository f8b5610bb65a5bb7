#include "init/fpm/needs.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include "init/fpm/pool_sockets.h"

namespace sluice::fpm {

namespace {

const net::Endpoint anywhere = net::TcpEndpoint{.family = AF_INET, .port = 9'000};
const std::string own_ping = "/0123/ping";

Pool dynamic_pool() {
    Pool pool;
    pool.name = "www";
    pool.listen = "0.0.0.0:9000";
    pool.pm = "dynamic";
    pool.max_children = 20;
    pool.start_servers = 4;
    pool.min_spare_servers = 2;
    pool.max_spare_servers = 6;
    return pool;
}

struct Added {
    PoolOverride change;
    std::vector<std::string> notices;
};

Added added(const Pool& pool, const Needs& needs,
            const std::optional<net::Endpoint>& users = anywhere) {
    Added made{.change = {.name = pool.name}, .notices = {}};
    made.notices = add_needs(made.change, pool, needs, users, own_ping);
    return made;
}

PoolOverride with_workers(const Pool& pool, int workers) {
    return added(pool, {.workers = {{"www", workers}}}).change;
}

const PoolOverride unchanged{.name = "www"};

} // namespace

TEST_CASE("a generation without needs changes nothing") {
    CHECK(added(dynamic_pool(), {}).change == unchanged);
    CHECK(added(dynamic_pool(), {.workers = {{"other", 9}}}).change == unchanged);
}

TEST_CASE("a dynamic pool starts with as many workers as are asked for, within FPM's rules") {
    const auto pool = dynamic_pool();
    CHECK(with_workers(pool, 5) == PoolOverride{.name = "www", .start_servers = 5});
    CHECK(with_workers(pool, 6) == PoolOverride{.name = "www", .start_servers = 6});
    CHECK(with_workers(pool, 7) ==
          PoolOverride{.name = "www", .start_servers = 7, .max_spare_servers = 7});
    CHECK(with_workers(pool, 99) ==
          PoolOverride{.name = "www", .start_servers = 20, .max_spare_servers = 20});
    for (const int fewer : {-1, 0, 3, 4}) CHECK(with_workers(pool, fewer) == unchanged);
}

TEST_CASE("other kinds of pool have nothing to start with") {
    auto pool = dynamic_pool();
    for (const auto* const pm : {"static", "ondemand"}) {
        pool.pm = pm;
        CHECK(with_workers(pool, 9) == unchanged);
    }
}

TEST_CASE("where the release's symlink is meant, chdir is the release") {
    const Needs needs{.release = Release{.link = "/srv/current", .folder = "/srv/releases/7"}};
    auto pool = dynamic_pool();
    const auto chdir = [&](const std::string& users) {
        pool.chdir = users;
        return added(pool, needs).change.chdir;
    };
    CHECK(chdir("") == "/srv/releases/7");
    CHECK(chdir("/srv/current") == "/srv/releases/7");
    CHECK(chdir("/srv/current/") == "/srv/releases/7");
    CHECK(chdir("/srv/current/public") == "/srv/releases/7/public");
    CHECK(chdir("/srv/current2").empty());
    CHECK(chdir("/srv").empty());
    CHECK(chdir("/srv/releases/6").empty());
    pool.chroot = "/srv/current";
    CHECK(chdir("").empty());
}

TEST_CASE("a release that cannot be written into the configuration is told") {
    for (const auto* const folder : {"/a\"b", "/a\\b", "/a${b}", "/a\nb"}) {
        CAPTURE(folder);
        const auto made =
            added(dynamic_pool(), {.release = Release{.link = "/current", .folder = folder}});
        CHECK(made.change == unchanged);
        CHECK(made.notices.size() == 1);
    }
}

TEST_CASE("sluice is let in where only some clients are") {
    auto pool = dynamic_pool();
    const auto clients = [&](const std::string& users, const std::optional<net::Endpoint>& at) {
        pool.allowed_clients = users;
        return added(pool, {.way_in = true}, at).change.allowed_clients;
    };
    CHECK(clients("", anywhere).empty());
    CHECK(clients("10.0.0.1", anywhere) == "10.0.0.1,127.0.0.1");
    CHECK(clients("10.0.0.1, 127.0.0.1", anywhere).empty());
    CHECK(clients("127.0.0.10", anywhere) == "127.0.0.10,127.0.0.1");
    CHECK(clients("::1", net::TcpEndpoint{.family = AF_INET6, .port = 9'000}) == "::1,127.0.0.1");
    CHECK(clients("10.0.0.1",
                  net::TcpEndpoint{.family = AF_INET, .host = {10, 0, 0, 2}, .port = 9'000}) ==
          "10.0.0.1,10.0.0.2");
    CHECK(clients("10.0.0.1", net::PathEndpoint{"/run/fpm.sock"}).empty());
    CHECK(clients("10.0.0.1", std::nullopt).empty()); // FPM's own listener: no way in
}

TEST_CASE("a list of clients that FPM has cut is not written, and that is told") {
    auto pool = dynamic_pool();
    pool.allowed_clients = "10.0.0.1,10.0...";
    const auto made = added(pool, {.way_in = true});
    CHECK(made.change.allowed_clients.empty());
    REQUIRE(made.notices.size() == 1);
    CHECK(made.notices[0].find("log_limit") != std::string::npos);
}

TEST_CASE("every pool gets a ping, and the user's own is kept") {
    auto pool = dynamic_pool();
    CHECK(added(pool, {.way_in = true}).change.ping_path == own_ping);
    pool.ping_path = "/ping";
    CHECK(added(pool, {.way_in = true}).change.ping_path.empty());
}

TEST_CASE("the plan of the sockets tells every pool's ping, for PHP 7.4 as well") {
    EffectiveConfig config;
    config.pools = {dynamic_pool()};
    const Machine machine{.hosts = {}, .ipv6 = {}, .user_id = {}, .group_id = {}, .token = "0123"};
    CHECK(plan_sockets(config, machine, true).pings.empty());
    const auto sockets = plan_sockets(config, machine, true, {.fresh_files = true, .way_in = true});
    REQUIRE(sockets.pings.size() == 1);
    CHECK(sockets.pings[0].pool == "www");
    CHECK(sockets.pings[0].path == own_ping);
    CHECK(sockets.pings[0].response == "pong");
    REQUIRE(sockets.overrides.pools.size() == 1);
    CHECK(sockets.overrides.pools[0] ==
          PoolOverride{.name = "www", .ping_path = own_ping, .fresh_files = true});

    config.pools[0].ping_path = "/users";
    config.pools[0].ping_response = "here";
    const auto without_wrapper = plan_sockets(config, machine, false, {.way_in = true});
    REQUIRE(without_wrapper.pings.size() == 1);
    CHECK(without_wrapper.pings[0].path == "/users");
    CHECK(without_wrapper.pings[0].response == "here");
    CHECK(without_wrapper.overrides.pools.empty());
}

TEST_CASE("the wrapper config has what a generation needs") {
    const Overrides overrides{.pools = {{.name = "www",
                                         .allowed_clients = "10.0.0.1,127.0.0.1",
                                         .chdir = "/srv/a release;",
                                         .start_servers = 7,
                                         .max_spare_servers = 8,
                                         .fresh_files = true}}};
    CHECK(wrapper_config("include=/a.conf\n", std::chrono::seconds(10), overrides) ==
          "include=/a.conf\n"
          "[global]\n"
          "daemonize = no\n"
          "process_control_timeout = 10s\n"
          "[www]\n"
          "listen.allowed_clients = 10.0.0.1,127.0.0.1\n"
          "pm.start_servers = 7\n"
          "pm.max_spare_servers = 8\n"
          "chdir = \"/srv/a release;\"\n"
          "php_admin_value[opcache.file_update_protection] = 0\n");
}

TEST_CASE("a new generation is as large as the old one, without the idle rest of a peak") {
    auto pool = dynamic_pool();
    const auto wanted = [&](int active, int idle) {
        Status status{.idle = idle - 1, .active = active, .total = active + idle - 1}; // late
        for (int i = 0; i < active; ++i) status.workers.push_back({.state = State::running});
        for (int i = 0; i < idle; ++i) status.workers.push_back({.state = State::idle});
        return workers_to_start_with(status, pool);
    };
    CHECK(wanted(3, 4) == 7);
    CHECK(wanted(12, 2) == 14);
    CHECK(wanted(1, 19) == 7);
    pool.pm = "ondemand";
    CHECK(wanted(1, 19) == 20);
    pool.max_children = 4;
    CHECK(wanted(4, 2) == 4);
}

} // namespace sluice::fpm
