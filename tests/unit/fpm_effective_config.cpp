#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "init/fpm/effective_config.h"

using namespace sluice::fpm;
using namespace std::chrono_literals;

namespace {

const std::string time = "[23-Nov-2026 08:12:58] NOTICE: ";

// What PHP 8.2 writes of its lines: each with a time, and twice where `twice`.
std::string printed(const std::string& lines, bool twice = false) {
    std::string output;
    for (std::size_t at = 0; at < lines.size();) {
        const auto end = lines.find('\n', at);
        const auto line = time + lines.substr(at, end - at) + "\n";
        output += twice ? line + line : line;
        at = end + 1;
    }
    return output;
}

const std::string two_pools = R"([global]
	pid = undefined
	error_log = /proc/self/fd/2
	syslog.ident = php-fpm
	log_level = NOTICE
	process_control_timeout = 10s
	daemonize = no
	events.mechanism = epoll
 
[www]
	prefix = undefined
	user = www-data
	group = undefined
	listen = 9000
	listen.backlog = 511
	listen.acl_users = 
	listen.acl_groups = undefined
	listen.owner = undefined
	listen.group = undefined
	listen.mode = undefined
	listen.allowed_clients = 127.0.0.1,::1
	process.priority = undefined
	process.dumpable = no
	pm = dynamic
	pm.max_children = 8
	pm.start_servers = 3
	pm.min_spare_servers = 1
	pm.max_spare_servers = 4
	pm.max_spawn_rate = 32
	pm.process_idle_timeout = 10
	pm.max_requests = 0
	pm.status_path = /status
	pm.status_listen = /run/status.sock
	ping.path = /ping
	ping.response = a = [b] ; c
	request_terminate_timeout = 120s
	request_terminate_timeout_track_finished = no
	chroot = undefined
	chdir = /srv/app
	catch_workers_output = yes
	decorate_workers_output = no
	clear_env = no
	security.limit_extensions = .php .phar
	env[SECRET] = listen = 1
	php_admin_value[memory_limit] = 32M
 
[two pools]
	prefix = /srv
	listen = /srv/two.sock
	listen.backlog = -1
	listen.owner = www-data
	listen.group = nogroup
	listen.mode = 0660
	pm = static
	pm.max_children = 2
	pm.start_servers = 0
	request_terminate_timeout = 0s
	catch_workers_output = no
	clear_env = yes
 
configuration file /usr/local/etc/php-fpm.conf test is successful
)";

} // namespace

TEST_CASE("the effective configuration has every pool with what sluice needs of it") {
    const auto config = parse_effective_config(printed(two_pools) + "\n");
    REQUIRE(config);
    CHECK(config->file == "/usr/local/etc/php-fpm.conf");
    CHECK(config->error_log == "/proc/self/fd/2");
    CHECK(config->pid.empty());
    CHECK_FALSE(config->daemonize);
    CHECK(config->process_control_timeout == 10s);
    REQUIRE(config->pools.size() == 2);
    CHECK(config->pools[0] == Pool{.name = "www",
                                   .user = "www-data",
                                   .listen = "9000",
                                   .allowed_clients = "127.0.0.1,::1",
                                   .pm = "dynamic",
                                   .status_path = "/status",
                                   .status_listen = "/run/status.sock",
                                   .ping_path = "/ping",
                                   .ping_response = "a = [b] ; c",
                                   .chdir = "/srv/app",
                                   .backlog = 511,
                                   .max_children = 8,
                                   .start_servers = 3,
                                   .min_spare_servers = 1,
                                   .max_spare_servers = 4,
                                   .request_terminate_timeout = 120s,
                                   .clear_env = false,
                                   .catch_workers_output = true});
    CHECK(config->pools[1] == Pool{.name = "two pools",
                                   .prefix = "/srv",
                                   .listen = "/srv/two.sock",
                                   .listen_owner = "www-data",
                                   .listen_group = "nogroup",
                                   .listen_mode = "0660",
                                   .pm = "static",
                                   .max_children = 2});
}

// Each printed by the php-fpm of Debian's package, for the same configuration.
TEST_CASE("PHP 7.4, 8.2 and 8.4 print the same, but for pm.status_listen and the backlog") {
    for (const std::string version : {"7.4", "8.2", "8.4"}) {
        CAPTURE(version);
        std::ifstream file(SLUICE_SOURCE_DIR "/tests/fuzz/seeds/effective_config/php" + version);
        REQUIRE(file);
        const auto config = parse_effective_config({std::istreambuf_iterator<char>(file), {}});
        REQUIRE(config);
        CHECK(config->knows_status_listen == (version != "7.4"));
        CHECK_FALSE(config->daemonize);
        CHECK(config->process_control_timeout == 10s);
        CHECK(config->file == "/tmp/t/one.conf");
        CHECK(config->pools == std::vector<Pool>{Pool{.name = "www",
                                                      .user = "www-data",
                                                      .group = "www-data",
                                                      .listen = "9000",
                                                      .allowed_clients = "127.0.0.1,::1",
                                                      .pm = "dynamic",
                                                      .status_path = "/status",
                                                      .ping_path = "/ping",
                                                      .ping_response = "pong",
                                                      .chdir = "/srv",
                                                      .backlog = version == "7.4" ? 511 : -1,
                                                      .max_children = 8,
                                                      .start_servers = 3,
                                                      .min_spare_servers = 1,
                                                      .max_spare_servers = 4,
                                                      .request_terminate_timeout = 120s,
                                                      .clear_env = false,
                                                      .catch_workers_output = true}});
    }
}

TEST_CASE("lines that come twice double no pool") {
    CHECK(parse_effective_config(printed(two_pools, true)) ==
          parse_effective_config(printed(two_pools)));
}

TEST_CASE("no output, or none with a pool, is no configuration") {
    CHECK_FALSE(parse_effective_config(""));
    CHECK_FALSE(parse_effective_config(printed("[global]\n\tdaemonize = no\n")));
    CHECK_FALSE(parse_effective_config("[23-Nov-2026 08:12:58] ERROR: failed to load configuration "
                                       "file '/a.conf'\n[www]\n\tlisten = 9000\n"));
}

TEST_CASE("without FPM's last line it is not whole: pools may be missing") {
    const auto pools = printed("[www]\n\tlisten = 9000\n\n");
    const auto end = printed("configuration file a.conf test is successful\n");
    CHECK(parse_effective_config(pools + end));
    CHECK_FALSE(parse_effective_config(pools));
}

TEST_CASE("the rest of a value with newlines is neither a pool nor a key") {
    const auto config = parse_effective_config(
        printed("[www]\n\tlisten = 9000\n\tenv[A] = one\n") + "[evil]\n\tlisten = 1\n" +
        printed("\tenv[B] = configuration file /evil test is successful\n"
                "\tpm = static\nconfiguration file a.conf test is successful\n"));
    REQUIRE(config);
    CHECK(config->pools ==
          std::vector<Pool>{Pool{.name = "www", .listen = "9000", .pm = "static"}});
    CHECK(config->file == "a.conf");
}

TEST_CASE("what is no number, and any bytes at all, leave the defaults") {
    const auto config = parse_effective_config(
        printed("\tlisten = 1\n[www]\n\tlisten.backlog = many\n\tpm.max_children = 99999999999\n"
                "\trequest_terminate_timeout = \n\tlisten\n\t = \n[]\n[\n"
                "configuration file a.conf test is successful\n"));
    REQUIRE(config);
    CHECK(config->pools == std::vector<Pool>{Pool{.name = "www"}, Pool{}});
    CHECK_FALSE(parse_effective_config(std::string("\0[\xff] NOTICE: \0", 14)));
}
