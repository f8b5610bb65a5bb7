#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "config/environment.h"
#include "config/keys.h"
#include "config/load.h"

using namespace sluice::config;
using namespace std::chrono_literals;

namespace {

Loaded from(const std::vector<std::string>& environment) {
    return load(std::nullopt, environment);
}

std::string only_problem(const std::vector<std::string>& environment) {
    const auto loaded = from(environment);
    REQUIRE(loaded.problems.size() == 1);
    return to_text(loaded.problems.front());
}

} // namespace

TEST_CASE("every scalar key can be set by its variable") {
    const auto loaded = from({
        "SLUICE_SERVICE_KIND=php-fpm",
        "SLUICE_SERVICE_STOP_SIGNAL=SIGWINCH",
        "SLUICE_SERVICE_RESTART=always",
        "SLUICE_SERVICE_RESTART_BACKOFF=1s..8s",
        "SLUICE_SERVICE_RESTART_LIMIT=3 in 5m",
        "SLUICE_DRAIN_DEADLINE=25s",
        "SLUICE_DRAIN_KILL_AFTER=1s",
        "SLUICE_DRAIN_ANNOUNCE=3s",
        "SLUICE_DRAIN_QUEUE=4s",
        "SLUICE_DRAIN_LINGER=5s",
        "SLUICE_RELOAD_STRATEGY=shared",
        "SLUICE_RELOAD_RELEASE=/srv/app/current",
        "SLUICE_RELOAD_READY=20s",
        "SLUICE_RELOAD_RETIRE=2m",
        "SLUICE_RELOAD_SPLAY=6s",
        "SLUICE_RELOAD_SLOTS_DIR=/run/slots",
        "SLUICE_RELOAD_SLOTS=4",
        "SLUICE_RELOAD_LOW_MEMORY=signal",
        "SLUICE_CONTROL_SOCKET=off",
        "SLUICE_LOG_LEVEL=debug",
        "SLUICE_LOG_FORMAT=json",
    });
    CHECK(loaded.problems.empty());
    CHECK(loaded.settings.service.kind == Kind::php_fpm);
    CHECK(loaded.settings.service.stop_signal == 28);
    CHECK(loaded.settings.service.restart == Restart::always);
    CHECK(loaded.settings.service.restart_backoff == Backoff{1s, 8s});
    CHECK(loaded.settings.service.restart_limit == RestartLimit{3, 5min});
    CHECK(loaded.settings.drain.deadline == 25s);
    CHECK(loaded.settings.drain.kill_after == 1s);
    CHECK(loaded.settings.drain.announce == 3s);
    CHECK(loaded.settings.drain.queue == 4s);
    CHECK(loaded.settings.drain.linger == 5s);
    CHECK(loaded.settings.reload.strategy == Strategy::shared);
    CHECK(loaded.settings.reload.release == "/srv/app/current");
    CHECK(loaded.settings.reload.ready == 20s);
    CHECK(loaded.settings.reload.retire == 2min);
    CHECK(loaded.settings.reload.splay == 6s);
    CHECK(loaded.settings.reload.slots_dir == "/run/slots");
    CHECK(loaded.settings.reload.slots == 4);
    CHECK(loaded.settings.reload.low_memory == LowMemory::signal);
    CHECK(loaded.settings.control.socket == "off");
    CHECK(loaded.settings.log.level == LogLevel::debug);
    CHECK(loaded.settings.log.format == LogFormat::json);
    std::size_t scalars = 0;
    for (const auto& key : keys())
        if (can_come_from_environment(key)) ++scalars;
    CHECK(loaded.origins.size() == scalars);
    for (const auto& [key, origin] : loaded.origins) CHECK(origin == "environment");
}

TEST_CASE("a wrong value in a variable is an error with the variable's name") {
    CHECK(
        only_problem({"SLUICE_DRAIN_DEADLINE=8"}) ==
        R"(environment: SLUICE_DRAIN_DEADLINE: "8" is not a duration; write one as "8s", "250ms", )"
        R"("2m", up to "24h")");
    CHECK(only_problem({"SLUICE_SERVICE_RESTART=allways"}) ==
          R"(environment: SLUICE_SERVICE_RESTART: "allways" is not allowed; write "no", )"
          R"("on-failure" or "always"; did you mean always?)");
    CHECK(any_error(from({"SLUICE_LOG_LEVEL=x"}).problems));
    CHECK(only_problem({"SLUICE_RELOAD_SLOTS=two"}) ==
          R"(environment: SLUICE_RELOAD_SLOTS: "two" is not allowed; write a whole number from 1 )"
          "to 1000, without quotes");
    CHECK(only_problem({"SLUICE_RELOAD_RELEASE=current"}) ==
          R"(environment: SLUICE_RELOAD_RELEASE: "current" is not an absolute path; write one )"
          R"(that begins with "/")");
    CHECK(any_error(from({"SLUICE_RELOAD_RELEASE=/a\xFF"}).problems));
}

TEST_CASE("an unknown variable is a warning") {
    const auto loaded = from({"SLUICE_DRAIN_DEDLINE=8s"});
    CHECK_FALSE(any_error(loaded.problems));
    CHECK(only_problem({"SLUICE_DRAIN_DEDLINE=8s"}) ==
          "environment: SLUICE_DRAIN_DEDLINE: unknown variable, ignored; did you mean "
          "SLUICE_DRAIN_DEADLINE?");
    CHECK(only_problem({"SLUICE_CONFG=/x"}) ==
          "environment: SLUICE_CONFG: unknown variable, ignored; did you mean SLUICE_CONFIG?");
    CHECK(only_problem({"SLUICE_FOO=1"}) ==
          "environment: SLUICE_FOO: unknown variable, ignored; remove it, or see "
          "docs/configuration.md for the names");
    CHECK(only_problem({"SLUICE_=1"}).find("SLUICE_: unknown") != std::string::npos);
    CHECK(only_problem({"SLUICE_A\nB=1"}).find('\n') == std::string::npos);
}

TEST_CASE("lists and tables do not come from the environment") {
    CHECK(only_problem({"SLUICE_SERVICE_COMMAND=php-fpm"}) ==
          "environment: SLUICE_SERVICE_COMMAND: ignored, as lists and tables cannot come from the "
          "environment; write service.command into the configuration file");
    CHECK(only_problem({"SLUICE_SIGNALS_TERM=drain"}) ==
          "environment: SLUICE_SIGNALS_TERM: ignored, as lists and tables cannot come from the "
          "environment; write [signals] into the configuration file");
    CHECK(only_problem({"SLUICE_RELOAD_WATCH=/srv"}) ==
          "environment: SLUICE_RELOAD_WATCH: ignored, as lists and tables cannot come from the "
          "environment; write reload.watch into the configuration file");
    for (const std::string name :
         {"SLUICE_RELOAD_WARMUP", "SLUICE_RELOAD_WARMUP_SCRIPT", "SLUICE_RELOAD_WARMUP_1_SCRIPT"})
        CHECK(only_problem({name + "=x"}) ==
              "environment: " + name +
                  ": ignored, as lists and tables cannot come from the environment; write "
                  "[[reload.warmup]] into the configuration file");
}

TEST_CASE("an empty variable counts as unset, known or not") {
    const auto loaded =
        from({"SLUICE_DRAIN_DEADLINE=", "SLUICE_LOG_LEVEL", "SLUICE_FOO=", "=", ""});
    CHECK(loaded.problems.empty());
    CHECK(loaded.origins.empty());
}

TEST_CASE("what is not ours is left alone") {
    CHECK(from({"PATH=/bin", "sluice_foo=1", "SLUICE=1", "MY_SLUICE_FOO=1", "SLUICEX_A=1",
                "SLUICE_CONFIG=/x.toml"})
              .problems.empty());
}

TEST_CASE("the environment wins over the file") {
    const File file{"/c.toml", "[drain]\ndeadline = \"5s\"\nkill_after = \"1s\"\n"};
    const auto loaded = load(file, {"SLUICE_DRAIN_DEADLINE=20s"});
    CHECK(loaded.problems.empty());
    CHECK(loaded.settings.drain.deadline == 20s);
    CHECK(loaded.origins ==
          Origins{{"drain.deadline", "environment"}, {"drain.kill_after", "/c.toml:3"}});
}

TEST_CASE("the environment does not excuse an error in the file") {
    const File file{"/c.toml", "[drain]\ndeadline = 5\n"};
    const auto loaded = load(file, {"SLUICE_DRAIN_DEADLINE=20s"});
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems.front().where == "/c.toml:2:12");
}

#ifdef SLUICE_FAULT_POINTS
TEST_CASE("the fault points' variable is known where they are compiled in") {
    CHECK(from({"SLUICE_FAULT=spawn"}).problems.empty());
    CHECK(without_own({"SLUICE_FAULT=spawn"}).empty());
}
#endif

TEST_CASE("what Kubernetes and Docker inject is ignored and left to the service") {
    const std::vector<std::string> injected{
        "SLUICE_SERVICE_HOST=10.0.0.1",
        "SLUICE_SERVICE_PORT=80",
        "SLUICE_SERVICE_PORT_HTTP=80",
        "SLUICE_SERVICE_PORT_9000_FPM=80",
        "SLUICE_PORT=tcp://10.0.0.1:80",
        "SLUICE_PORT_80_TCP=tcp://10.0.0.1:80",
        "SLUICE_PORT_80_TCP_PROTO=tcp",
        "SLUICE_PORT_80_TCP_PORT=80",
        "SLUICE_PORT_80_TCP_ADDR=10.0.0.1",
        "SLUICE_PORT_53_UDP=udp://10.0.0.1:53",
        "SLUICE_PORT_80_TCP_START=tcp://10.0.0.1:80",
        "SLUICE_PORT_80_TCP_PORT_END=90",
        "SLUICE_NAME=/web/sluice",
        "SLUICE_ENV_PHP_VERSION=8.2",
    };
    for (const auto& variable : injected) {
        CAPTURE(variable);
        CHECK(is_injected(variable.substr(0, variable.find('='))));
    }
    CHECK(from(injected).problems.empty());
    CHECK(without_own(injected) == injected);
}

TEST_CASE("what only looks injected is ours") {
    for (const std::string name :
         {"SLUICE_PORTS", "SLUICE_PORT_", "SLUICE_PORT_X_TCP", "SLUICE_PORT_80",
          "SLUICE_PORT_80_TCPX", "SLUICE_SERVICE_PORT_", "SLUICE_SERVICE_HOSTS", "SLUICE_NAMES",
          "SLUICE_ENV", "SLUICE_ENV_", "SLUICE_SERVICE_KIND", "SLUICE_", "SERVICE_HOST"}) {
        CAPTURE(name);
        CHECK_FALSE(is_injected(name));
    }
}

TEST_CASE("the service does not get to see our variables") {
    CHECK(without_own({"PATH=/bin", "SLUICE_DRAIN_DEADLINE=8s", "SLUICE_FOO=1", "SLUICE_CONFIG=",
                       "SLUICE_SERVICE_HOST=h", "A=SLUICE_B", "SLUICE_BARE", "EMPTY="}) ==
          std::vector<std::string>{"PATH=/bin", "SLUICE_SERVICE_HOST=h", "A=SLUICE_B", "EMPTY="});
}
