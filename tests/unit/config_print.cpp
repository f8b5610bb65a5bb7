#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "config/load.h"
#include "config/print.h"

using namespace sluice::config;

namespace {

void check_same(const Settings& a, const Settings& b) {
    CHECK(a.service.command == b.service.command);
    CHECK(a.service.kind == b.service.kind);
    CHECK(a.service.stop_signal == b.service.stop_signal);
    CHECK(a.service.restart == b.service.restart);
    CHECK(a.service.restart_backoff == b.service.restart_backoff);
    CHECK(a.service.restart_limit == b.service.restart_limit);
    CHECK(a.signals == b.signals);
    CHECK(a.drain.deadline == b.drain.deadline);
    CHECK(a.drain.kill_after == b.drain.kill_after);
    CHECK(a.reload.strategy == b.reload.strategy);
    CHECK(a.reload.release == b.reload.release);
    CHECK(a.reload.checks == b.reload.checks);
    CHECK(a.reload.ready == b.reload.ready);
    CHECK(a.reload.warmups == b.reload.warmups);
    CHECK(a.reload.retire == b.reload.retire);
    CHECK(a.reload.splay == b.reload.splay);
    CHECK(a.reload.watch == b.reload.watch);
    CHECK(a.reload.slots_dir == b.reload.slots_dir);
    CHECK(a.reload.slots == b.reload.slots);
    CHECK(a.reload.low_memory == b.reload.low_memory);
    CHECK(a.control.socket == b.control.socket);
    CHECK(a.log.level == b.log.level);
    CHECK(a.log.format == b.log.format);
}

void check_round_trip(const std::string& path, const std::string& text,
                      const std::vector<std::string>& environment) {
    const auto loaded = load(File{path, text}, environment);
    REQUIRE_FALSE(any_error(loaded.problems));
    const auto printed = print(loaded);
    CAPTURE(printed);
    const auto again = load(File{"printed", printed}, {});
    CHECK_FALSE(any_error(again.problems));
    check_same(loaded.settings, again.settings);
}

} // namespace

TEST_CASE("without any configuration all defaults are printed") {
    CHECK(print(load(std::nullopt, {})) == R"([service]
# command = ...  # default: the command line
# kind = ...  # default: recognised from the command
# stop_signal = ...  # default: QUIT for php-fpm and nginx, the signal that came for plain
# restart = ...  # default: on-failure for php-fpm and nginx, no for plain
restart_backoff = "100ms..5s"  # default
restart_limit = "5 in 60s"  # default

[signals]
# NAME = ...  # default: php-fpm: TERM, INT, QUIT drain; HUP, USR2 reload; all else is forwarded; nginx: TERM, INT, QUIT drain; all else is forwarded (HUP: nginx reloads); plain: all are forwarded; with a drain.deadline or a restart TERM, INT, QUIT drain

[drain]
announce = "0s"  # default
queue = "2s"  # default
# deadline = ...  # default: 9s for php-fpm and nginx, none for plain
kill_after = "500ms"  # default
linger = "0s"  # default

[reload]
strategy = "switch"  # default
# release = ...  # default: none
ready = "10s"  # default
retire = "60s"  # default
splay = "0s"  # default
# watch = ...  # default: none
# slots_dir = ...  # default: none
slots = 1  # default
low_memory = "refuse"  # default

# [[reload.check]]  # default: none

# [[reload.warmup]]  # default: none

[control]
# socket = ...  # default: /run/sluice.sock where that can be written, else abstract

[log]
# level = ...  # default: info for php-fpm and nginx, warning for plain
format = "text"  # default
)");
}

TEST_CASE("what was set is printed with its origin") {
    const File file{"/etc/sluice.toml", "[service]\ncommand = [\"php-fpm\", \"-R\"]\n"
                                        "[signals]\nSIGWINCH = \"forward TERM\"\n"
                                        "\"RTMIN+3\" = \"drain\"\n[drain]\ndeadline = \"60s\"\n"};
    const auto text = print(load(file, {"SLUICE_LOG_FORMAT=json", "SLUICE_SERVICE_STOP_SIGNAL=3"}));
    for (const std::string line : {
             "\ncommand = [\"php-fpm\", \"-R\"]  # /etc/sluice.toml:2\n",
             "\nstop_signal = \"QUIT\"  # environment\n",
             "\nWINCH = \"forward TERM\"  # /etc/sluice.toml:4\n",
             "\n\"RTMIN+3\" = \"drain\"  # /etc/sluice.toml:5\n",
             "\ndeadline = \"1m\"  # /etc/sluice.toml:7\n",
             "\nformat = \"json\"  # environment\n",
         }) {
        CAPTURE(line);
        CHECK(text.find(line) != std::string::npos);
    }
}

TEST_CASE("what is printed loads as the same settings") {
    check_round_trip("c", "", {});
    check_round_trip("c", R"([service]
command = ["sh", "-c", "echo \"$1\" '\\'\t\n\u0001\u007f\u0085 é 😀", "", "# no comment"]
kind = "php-fpm"
stop_signal = "RTMIN+2"
restart = "always"
restart_backoff = "1ms..90s"
restart_limit = "7 in 1500ms"
[signals]
HUP = "ignore"
TERM = "drain"
10 = "forward"
USR2 = "forward KILL"
WINCH = "reload"
"RTMAX-1" = "forward RTMIN+5"
[drain]
deadline = "0s"
kill_after = "0s"
[reload]
strategy = "shared"
release = "/srv/é \"a\"/current"
ready = "1m"
retire = "1500ms"
splay = "3s"
watch = ["/srv/app/current", "/etc/php\t"]
slots_dir = "/run/slots"
slots = 0x10
low_memory = "proceed"
[[reload.check]]
command = ["php", "", "bin/check \n\u0001"]
timeout = "1ms"
[[reload.check]]
command = ["true"]
[[reload.warmup]]
script = "a.php"
[[reload.warmup]]
pool = "www"
script = "public/index.php"
uri = "/a?b=\"c\""
method = "POST"
headers = { Host = "...", "X!Y" = "..." }
body = "..."
count = 1_000
concurrency = 64
status = 503
text = "\u0000 \n'''"
timeout = "2m"
[control]
socket = "@"
[log]
level = "error"
format = "json"
)",
                     {});
    check_round_trip("c", "[drain]\ndeadline = \"5s\"",
                     {"SLUICE_DRAIN_DEADLINE=25s", "SLUICE_LOG_LEVEL=debug"});
    // A path is part of the comments, whatever it is.
    check_round_trip("/a\nb\x01\xFF\"#.toml", "[log]\nlevel = \"debug\"\n", {});
}

TEST_CASE("entries are printed as arrays of tables, each key with its origin") {
    const File file{"c", R"([reload]
watch = ["/a", "/b"]
slots = 3
[[reload.check]]
command = ["php", "-v"]
[[reload.warmup]]
script = "a.php"
[[reload.warmup]]
script = "b.php"
status = 204
)"};
    const auto text = print(load(file, {}));
    CHECK(text.find("\nwatch = [\"/a\", \"/b\"]  # c:2\n") != std::string::npos);
    CHECK(text.find("\nslots = 3  # c:3\n") != std::string::npos);
    CHECK(text.find(R"(
[[reload.check]]
command = ["php", "-v"]  # c:5
timeout = "10s"  # default

[[reload.warmup]]
# pool = ...  # default: the only one
script = "a.php"  # c:7
# uri = ...  # default: "/" and the script's file name
method = "GET"  # default
# headers = ...  # default: none
# body = ...  # default: empty
count = 1  # default
concurrency = 1  # default
status = 200  # default
# text = ...  # default: anything
timeout = "10s"  # default

[[reload.warmup]]
# pool = ...  # default: the only one
script = "b.php"  # c:9
)") != std::string::npos);
    CHECK(text.find("\nstatus = 204  # c:10\n") != std::string::npos);
}

TEST_CASE("the values of headers and bodies are not printed") {
    const File file{"c", R"([[reload.warmup]]
script = "a.php"
body = "password=hunter2"
[reload.warmup.headers]
Authorization = "Bearer hunter2"
Cookie = "id=hunter2"
)"};
    const auto loaded = load(file, {});
    REQUIRE(loaded.problems.empty());
    CHECK(loaded.settings.reload.warmups.front().body == "password=hunter2");
    const auto text = print(loaded);
    CHECK(text.find("hunter2") == std::string::npos);
    CHECK(text.find("\nbody = \"...\"  # c:3\n") != std::string::npos);
    CHECK(text.find("\nheaders = { \"Authorization\" = \"...\", \"Cookie\" = \"...\" }  # c:4\n") !=
          std::string::npos);
    CHECK(load(File{"printed", text}, {}).problems.empty());
}
