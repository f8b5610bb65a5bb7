#include <doctest/doctest.h>

#include "init/fpm/pool_sockets.h"

namespace sluice::fpm {

namespace {

Machine machine() {
    return {.hosts = "127.0.0.1 localhost\n",
            .ipv6 = {},
            .user_id = [](const std::string& name) -> std::optional<uid_t> {
                if (name == "www-data") return 33;
                return {};
            },
            .group_id = [](const std::string& name) -> std::optional<gid_t> {
                if (name == "www-data") return 33;
                return {};
            },
            .token = "0123456789abcdef0123456789abcdef"};
}

Pool pool(const std::string& name, const std::string& listen) {
    Pool made;
    made.name = name;
    made.listen = listen;
    made.backlog = 511;
    return made;
}

EffectiveConfig config_of(std::vector<Pool> pools) {
    EffectiveConfig config;
    config.pools = std::move(pools);
    config.knows_status_listen = true;
    return config;
}

} // namespace

TEST_CASE("a TCP pool keeps its key, and gets a status page that nobody can guess") {
    const auto sockets = plan_sockets(config_of({pool("www", "127.0.0.1:9000")}), machine(), true);
    REQUIRE(sockets.listeners.size() == 1);
    CHECK(sockets.all);
    CHECK(sockets.listeners[0].key == "127.0.0.1:9000");
    CHECK(sockets.listeners[0].wanted.backlog == 511);
    REQUIRE(sockets.status.size() == 1);
    CHECK(sockets.status_of_all);
    CHECK(sockets.status[0].key == "/sluice-0123456789abcdef/0");
    CHECK(sockets.status[0].status_path == "/0123456789abcdef0123456789abcdef/status");
    REQUIRE(sockets.overrides.pools.size() == 1);
    CHECK(sockets.overrides.pools[0].listen.empty());
    CHECK(sockets.overrides.pools[0].status_listen == sockets.status[0].key);
}

TEST_CASE("a path is passed under a private name, with FPM's owner and mode") {
    auto www = pool("www", "/run/php.sock");
    www.listen_owner = "www-data";
    www.listen_group = "33";
    www.listen_mode = "0600";
    auto here = machine();
    here.group_id = [](const std::string&) { return std::optional<gid_t>(33); };
    const auto sockets = plan_sockets(config_of({www}), here, true);
    REQUIRE(sockets.listeners.size() == 1);
    const auto& socket = sockets.listeners[0];
    CHECK(net::to_string(socket.wanted.endpoint) == "/run/php.sock");
    CHECK(socket.wanted.owner == 33U);
    CHECK(socket.wanted.group == 33U);
    CHECK(socket.wanted.mode == 0600);
    CHECK(socket.key == "/sluice-0123456789abcdef/0");
    CHECK(sockets.overrides.pools[0].listen == socket.key);
}

TEST_CASE("without a wrapper config the real names are passed, and there is no status") {
    const auto sockets = plan_sockets(config_of({pool("www", "/run/php.sock")}), machine(), false);
    CHECK(sockets.listeners[0].key == "/run/php.sock");
    CHECK(sockets.status.empty());
    CHECK(sockets.overrides.pools.empty());
    CHECK_FALSE(sockets.status_of_all);
}

TEST_CASE("what cannot be owned is left to FPM, and the rest is owned all the same") {
    auto left = pool("left", "/run/left.sock");
    SUBCASE("POSIX ACLs") {
        left.acl_users = "nginx";
    }
    SUBCASE("an owner that is not there") {
        left.listen_owner = "nobody-knows";
    }
    SUBCASE("a name that is not in /etc/hosts") {
        left.listen = "db.example:9000";
    }
    const auto sockets =
        plan_sockets(config_of({left, pool("www", "127.0.0.1:9000")}), machine(), true);
    CHECK_FALSE(sockets.all);
    REQUIRE(sockets.listeners.size() == 1);
    CHECK(sockets.listeners[0].pool == "www");
    REQUIRE(sockets.notices.size() == 1);
    CHECK(sockets.notices[0].starts_with("pool left: listen = "));
    CHECK(sockets.status_of_all); // it can be asked
}

TEST_CASE("what the user has set for the status is kept and used") {
    auto www = pool("www", "127.0.0.1:9000");
    www.status_path = "/fpm-status";
    www.ping_path = "/fpm-ping";
    www.status_listen = "127.0.0.1:9001";
    const auto sockets = plan_sockets(config_of({www}), machine(), true);
    REQUIRE(sockets.status.size() == 1);
    CHECK(sockets.status[0].status_path == "/fpm-status");
    CHECK(sockets.status[0].ping_path == "/fpm-ping");
    REQUIRE(sockets.status[0].at);
    CHECK(net::to_string(*sockets.status[0].at) == "127.0.0.1:9001");
    CHECK(sockets.overrides.pools[0] == PoolOverride{.name = "www"});
    REQUIRE(sockets.listeners.size() == 2); // or a second generation could not bind it
    CHECK_FALSE(sockets.listeners[1].users);
}

TEST_CASE("a status port that is only for some clients is owned, and not used") {
    auto www = pool("www", "127.0.0.1:9000");
    www.status_listen = "127.0.0.1:9001";
    www.allowed_clients = "10.0.0.7";
    const auto sockets = plan_sockets(config_of({www}), machine(), true);
    CHECK(sockets.listeners.size() == 2);
    CHECK(sockets.status.empty());
    CHECK_FALSE(sockets.status_of_all);
}

TEST_CASE("where all processes together are limited, those that tell the status get room") {
    auto config = config_of({pool("www", "127.0.0.1:9000"), pool("api", "127.0.0.1:9001")});
    CHECK(plan_sockets(config, machine(), true).overrides.process_max == 0);
    config.process_max = 20;
    CHECK(plan_sockets(config, machine(), true).overrides.process_max == 22);
}

TEST_CASE("PHP 7.4 has no socket for its status") {
    auto config = config_of({pool("www", "127.0.0.1:9000")});
    config.knows_status_listen = false;
    const auto sockets = plan_sockets(config, machine(), true);
    CHECK(sockets.status.empty());
    CHECK_FALSE(sockets.status_of_all);
    CHECK(sockets.all);
}

} // namespace sluice::fpm
