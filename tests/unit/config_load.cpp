#include <doctest/doctest.h>

#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/load.h"

using namespace sluice::config;
using namespace std::chrono_literals;
using namespace std::string_literals;
using sluice::signals::Meaning;
using sluice::signals::Rule;

namespace {

using Lines = std::vector<std::string>;

Loaded from(const std::string& text) {
    return load(File{"/c.toml", text}, {});
}

// One line for each problem, without a newline after the last.
std::string problems(const std::string& text) {
    std::string lines;
    for (const auto& problem : from(text).problems)
        lines += (lines.empty() ? "" : "\n") + to_text(problem);
    return lines;
}

} // namespace

TEST_CASE("without a file and variables there is nothing but defaults") {
    const auto loaded = load(std::nullopt, {});
    CHECK(loaded.problems.empty());
    CHECK(loaded.origins.empty());
    CHECK_FALSE(loaded.settings.drain.deadline);
    CHECK(loaded.settings.signals.empty());
}

TEST_CASE("every key can be set in the file") {
    const auto loaded = from(R"(
[service]
command = ["docker-php-entrypoint", "php-fpm", ""]
kind = "plain"
stop_signal = "SIGTERM"
restart = "on-failure"
restart_backoff = "1s..8s"
restart_limit = "3 in 5m"
[signals]
TERM = "drain"
sigusr1 = "forward"
10000 = "drain"
)");
    // A number that is no signal, as the only problem, shows that all else was taken.
    CHECK(loaded.problems.size() == 1);
    const auto good = from(R"(
[service]
command = ["docker-php-entrypoint", "php-fpm", ""]
kind = "plain"
stop_signal = "SIGTERM"
restart = "on-failure"
restart_backoff = "1s..8s"
restart_limit = "3 in 5m"
[signals]
TERM = "drain"
sigusr1 = "forward"
12 = "forward QUIT"
"RTMIN+3" = "ignore"
[drain]
deadline = "20s"
kill_after = "250ms"
[log]
level = "warning"
format = "json"
)");
    CHECK(good.problems.empty());
    CHECK(good.settings.service.command == Lines{"docker-php-entrypoint", "php-fpm", ""});
    CHECK(good.settings.service.kind == Kind::plain);
    CHECK(good.settings.service.stop_signal == SIGTERM);
    CHECK(good.settings.service.restart == Restart::on_failure);
    CHECK(good.settings.service.restart_backoff == Backoff{1s, 8s});
    CHECK(good.settings.service.restart_limit == RestartLimit{3, 5min});
    CHECK(good.settings.signals == sluice::signals::Rules{
                                       {SIGTERM, Rule{Meaning::drain}},
                                       {SIGUSR1, Rule{Meaning::forward}},
                                       {SIGUSR2, Rule{Meaning::forward, SIGQUIT}},
                                       {SIGRTMIN + 3, Rule{Meaning::ignore}},
                                   });
    CHECK(good.settings.drain.deadline == 20s);
    CHECK(good.settings.drain.kill_after == 250ms);
    CHECK(good.settings.log.level == LogLevel::warning);
    CHECK(good.settings.log.format == LogFormat::json);
    CHECK(good.origins.front() == Origins::value_type{"service.command", "/c.toml:3"});
    CHECK(good.origins.back() == Origins::value_type{"log.format", "/c.toml:19"});
    CHECK(good.origins.size() == 14);
}

TEST_CASE("a signal may be a bare number") {
    CHECK(from("[service]\nstop_signal = 15\n").settings.service.stop_signal == SIGTERM);
    CHECK(problems("[service]\nstop_signal = 999\n") ==
          "/c.toml:2:15: service.stop_signal: 999 (an integer) is not a signal; write a name "
          "or a number, as in \"QUIT\", \"RTMIN+3\", \"15\"");
}

TEST_CASE("files that say the same in another way") {
    for (const std::string text : {
             "[drain]\ndeadline = \"8s\"\n",
             "[drain]\r\ndeadline = \"8s\"\r\n",
             "\xEF\xBB\xBF[drain]\ndeadline = '8s'",
             "drain.deadline = \"8s\"",
             "drain = { deadline = \"8s\" }",
             "\"drain\".'deadline' = '''8s'''",
             "# a comment\n\n  [ drain ] # another\n\tdeadline=\"\\u0038s\"",
         }) {
        CAPTURE(text);
        const auto loaded = from(text);
        CHECK(loaded.problems.empty());
        CHECK(loaded.settings.drain.deadline == 8s);
    }
}

TEST_CASE("files that say nothing") {
    for (const std::string text : {"", "\n", "\r\n\r\n", "# only a comment", "[drain]",
                                   "\xEF\xBB\xBF", "[service]\n[signals]\n[drain]\n[log]\n"}) {
        CAPTURE(text);
        CHECK(from(text).problems.empty());
        CHECK(from(text).origins.empty());
    }
}

TEST_CASE("a value of the wrong type is named with its type") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"8", "8 (an integer)"},
        {"0x1F", "0x1F (an integer)"},
        {"-8_000", "-8_000 (an integer)"},
        {"8.50", "8.50 (a floating-point number)"},
        {"inf", "inf (a floating-point number)"},
        {"true", "true (a boolean)"},
        {"1979-05-27", "1979-05-27 (a date or time)"},
        {"1979-05-27 07:32:00Z", "1979-05-27 07:32:00Z (a date or time)"},
        {"[8]", "an array"},
        {"{ s = 8 }", "a table"},
        {"\"8\"", "\"8\""},
        {"\"\"", "\"\""},
        {"\"é\\n\\u0000\"", "\"é\\n\\u0000\""},
        {"'" + std::string(5000, 'x') + "'", '"' + std::string(60, 'x') + "...\" (5000 bytes)"},
    };
    for (const auto& [value, description] : cases) {
        CAPTURE(value);
        CHECK(problems("[drain]\ndeadline = " + value + " # so\n") ==
              "/c.toml:2:12: drain.deadline: " + description +
                  " is not a duration; write one as \"8s\", \"250ms\", \"2m\", up to \"24h\"");
    }
}

TEST_CASE("each type of key says what is allowed") {
    CHECK(problems("service.kind = 'php'") ==

          "/c.toml:1:16: service.kind: \"php\" is not allowed; write \"php-fpm\", \"nginx\" or "
          "\"plain\"");
    CHECK(problems("service.kind = 'PHP-FPM'") ==
          "/c.toml:1:16: service.kind: \"PHP-FPM\" is not allowed; write \"php-fpm\", "
          "\"nginx\" or \"plain\"; did you mean php-fpm?");
    CHECK(problems("service.restart = false") ==
          "/c.toml:1:19: service.restart: false (a boolean) is not allowed; write \"no\", "
          "\"on-failure\" or \"always\"");
    CHECK(problems("service.restart_backoff = '5s..1s'") ==
          "/c.toml:1:27: service.restart_backoff: \"5s..1s\" is not a back-off; write the "
          "first pause (1ms or more) and the longest, as in \"100ms..5s\"");
    CHECK(problems("service.restart_limit = 5") ==
          "/c.toml:1:25: service.restart_limit: 5 (an integer) is not a limit; write 1 to 1000 "
          "restarts and a time of 1s or more, as in \"5 in 60s\"");
    CHECK(from("service.stop_signal = 'STOPP'").problems.size() == 1);
}

TEST_CASE("a command is an array of strings with a program") {
    const auto none =
        "there is no program in it; write one as [\"php-fpm\", \"-R\"], or remove the "
        "key";
    CHECK(problems("[service]\ncommand = []") == "/c.toml:2:11: service.command: "s + none);
    CHECK(problems("[service]\ncommand = ['', 'x']") == "/c.toml:2:11: service.command: "s + none);
    CHECK(problems("[service]\ncommand = 'php-fpm -R'") ==
          "/c.toml:2:11: service.command: \"php-fpm -R\" is not an array of strings; write one "
          "as [\"php-fpm\", \"-R\"]");
    CHECK(problems("[service]\ncommand = ['php-fpm',\n 8, 9]") ==
          "/c.toml:3:2: service.command: an item is 8 (an integer); every item is a string, so "
          "put it into quotes");
    CHECK(problems("[service]\ncommand = [['php-fpm']]") ==
          "/c.toml:2:12: service.command: an item is an array; every item is a string, so put "
          "it into quotes");
    CHECK(problems("[service]\ncommand = ['a', \"b\\u0000c\"]") ==
          "/c.toml:2:17: service.command: \"b\\u0000c\" holds a NUL byte, which no program and "
          "no path can have; remove it");
}

TEST_CASE("unknown keys and sections come with a hint") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[drain]\ndedline = '8s'",
         "2:1: drain.dedline: unknown key; did you mean drain.deadline?"},
        {"deadline = '8s'",
         "1:1: deadline: unknown key; did you mean drain.deadline? It belongs below [drain]"},
        {"[service]\ndeadline = '8s'", "2:1: service.deadline: unknown key; did you mean "
                                       "drain.deadline? It belongs below [drain]"},
        {"levle = 'info'",
         "1:1: levle: unknown key; did you mean log.level? It belongs below [log]"},
        {"'drain.deadline' = '8s'",
         "1:1: drain.deadline: unknown key; did you mean drain.deadline? It belongs below [drain]"},
        {"[drain]\ncolour = 1", "2:1: drain.colour: unknown key; [drain] has announce, queue, "
                                "deadline, kill_after and linger"},
        {"colour = 1", "1:1: colour: unknown key; every key belongs below one of [service], "
                       "[signals], [drain], [reload], [[reload.check]], [[reload.warmup]], "
                       "[control] and [log]"},
        {"[drian]\ndeadline = '8s'\nx = 1", "1:2: drian: unknown section; did you mean [drain]?"},
        {"[colour]\nx = 1",
         "1:2: colour: unknown section; there are [service], [signals], [drain], [reload], "
         "[[reload.check]], [[reload.warmup]], [control] and [log]"},
        {"\"\" = 1", "1:1: \"\": unknown key; every key belongs below one of [service], [signals], "
                     "[drain], [reload], [[reload.check]], [[reload.warmup]], [control] and [log]"},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        CHECK(problems(text) == "/c.toml:" + line);
    }
}

TEST_CASE("structure in the wrong place") {
    CHECK(problems("drain = '8s'") ==
          "/c.toml:1:1: drain: \"8s\" is not a section; write [drain] on a line of its own and "
          "its keys below it");
    CHECK(problems("[[drain]]\ndeadline = '8s'") ==
          "/c.toml:1:3: drain: an array is not a section; write [drain] on a line of its own "
          "and its keys below it");
    CHECK(from("[drain.deadline]\nseconds = 8").problems.size() == 1);
    CHECK(problems("[drain.more]\nx = 1") == "/c.toml:1:8: drain.more: unknown key; [drain] has "
                                             "announce, queue, deadline, kill_after and linger");
    CHECK(from("[signals.TERM]\nx = 1").problems.size() == 1);
}

TEST_CASE("rules are refused with a reason") {
    const auto allowed =
        "is not allowed; write \"drain\", \"reload\", \"forward\", \"forward NAME\" or \"ignore\""s;
    const std::vector<std::pair<std::string, std::string>> cases{
        {"FOO = 'drain'",
         "2:1: signals.FOO: is not a signal; write a name or a number, as in TERM, "
         "SIGUSR1, \"RTMIN+3\""},
        {"SIGTREM = 'drain'", "2:1: signals.SIGTREM: is not a signal; write a name or a number, as "
                              "in TERM, SIGUSR1, \"RTMIN+3\"; did you mean TERM?"},
        {"deadline = '8s'", "2:1: signals.deadline: unknown key; did you mean drain.deadline? It "
                            "belongs below [drain]"},
        {"TREM = 'drain'",
         "2:1: signals.TREM: is not a signal; write a name or a number, as in TERM, "
         "SIGUSR1, \"RTMIN+3\"; did you mean TERM?"},
        {"KILL = 'drain'", "2:1: signals.KILL: never reaches sluice: the kernel lets no process "
                           "catch it; remove this line"},
        {"19 = 'drain'", "2:1: signals.19: never reaches sluice: the kernel lets no process catch "
                         "it; remove this line"},
        {"SIGSEGV = 'ignore'", "2:1: signals.SIGSEGV: stands for a fault in the process that gets "
                               "it, so it is never forwarded; remove this line"},
        {"CHLD = 'ignore'", "2:1: signals.CHLD: tells sluice that a process ended, and is never "
                            "forwarded; remove this line"},
        {"TERM = 'drian'", "2:8: signals.TERM: \"drian\" " + allowed + "; did you mean drain?"},
        {"TERM = 15", "2:8: signals.TERM: 15 (an integer) " + allowed},
        {"TERM = ['drain']", "2:8: signals.TERM: an array " + allowed},
        {"TERM = ''", "2:8: signals.TERM: \"\" " + allowed},
        {"TERM = 'forward FOO'",
         "2:8: signals.TERM: \"forward FOO\" names no signal; write one as in \"forward QUIT\""},
        {"TERM = 'drain'\nSIGTERM = 'ignore'",
         "3:1: signals.SIGTERM: is the same signal as in /c.toml:2:8; keep one of the two"},
        {"SIGTERM = 'drain'\n15 = 'drain'",
         "3:1: signals.15: is the same signal as in /c.toml:2:11; keep one of the two"},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        CHECK(problems("[signals]\n" + text) == "/c.toml:" + line);
    }
}

TEST_CASE("every problem is told at once, in the order of the file, then of the environment") {
    const auto loaded =
        load(File{"/c.toml", "[log]\nlevel = 3\n[drain]\nkill_after = 'x'\n"
                             "dedline = '8s'\n[nonsense]\n[service]\nkind = 'fpm'\n"},
             {"SLUICE_FOO=1", "SLUICE_LOG_FORMAT=xml"});
    Lines places;
    for (const auto& problem : loaded.problems) places.push_back(problem.where + " " + problem.key);
    CHECK(places == Lines{"/c.toml:2:9 log.level", "/c.toml:4:14 drain.kill_after",
                          "/c.toml:5:1 drain.dedline", "/c.toml:6:2 nonsense",
                          "/c.toml:8:8 service.kind", "environment SLUICE_FOO",
                          "environment SLUICE_LOG_FORMAT"});
}

TEST_CASE("a problem is one line of its parts") {
    CHECK(to_text({"/c.toml:3:12", "drain.deadline", "is wrong"}) ==
          "/c.toml:3:12: drain.deadline: is wrong");
    CHECK(to_text({"/c.toml:3:12", "", "is wrong"}) == "/c.toml:3:12: is wrong");
    CHECK(to_text({"", "", "is wrong"}) == "is wrong");
    CHECK_FALSE(any_error({}));
    CHECK_FALSE(any_error({{"", "", "x", true}}));
    CHECK(any_error({{"", "", "x", true}, {"", "", "y"}}));
}
