#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "config/keys.h"
#include "config/load.h"

// [reload] with its arrays of tables.

using namespace sluice::config;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

Loaded from(const std::string& text) {
    return load(File{"c", text}, {});
}

// One line for each problem, without a newline after the last.
std::string problems(const std::string& text) {
    std::string lines;
    for (const auto& problem : from(text).problems)
        lines += (lines.empty() ? "" : "\n") + to_text(problem);
    return lines;
}

// The problems with one line more in a warm-up that is right without it.
std::string problem_of_warmup(const std::string& line) {
    return problems("[[reload.warmup]]\nscript = 'a.php'\n" + line + "\n");
}

} // namespace

TEST_CASE("every key of [reload] and [control] can be set in the file") {
    const auto loaded = from(R"([reload]
strategy = "shared"
release = "/srv/app/current"
ready = "20s"
retire = "2m"
splay = "5s"
watch = ["/srv/app/current", "/etc/php"]
slots_dir = "/run/slots"
slots = 3
low_memory = "proceed"

[[reload.check]]
command = ["php", "bin/check", ""]
timeout = "30s"

[[reload.check]]
command = ["true"]

[[reload.warmup]]
script = "public/index.php"

[[reload.warmup]]
pool = "api"
script = "public/api.php"
uri = "/v1/things?page=2"
method = "POST"
body = "{}\u0000"
count = 100
concurrency = 8
status = 201
text = "id"
timeout = "3s"
[reload.warmup.headers]
X-Token = "é: secret"
Host = "example.org"
Accept = ""

[control]
socket = "/run/app.sock"
)");
    CHECK(loaded.problems.empty());
    const auto& reload = loaded.settings.reload;
    CHECK(reload.strategy == Strategy::shared);
    CHECK(reload.release == "/srv/app/current");
    CHECK(reload.ready == 20s);
    CHECK(reload.retire == 2min);
    CHECK(reload.splay == 5s);
    CHECK(reload.watch == std::vector{"/srv/app/current"s, "/etc/php"s});
    CHECK(reload.slots_dir == "/run/slots");
    CHECK(reload.slots == 3);
    CHECK(reload.low_memory == LowMemory::proceed);
    CHECK(reload.checks ==
          std::vector{ReloadCheck{{"php", "bin/check", ""}, 30s}, ReloadCheck{{"true"}, 10s}});
    REQUIRE(reload.warmups.size() == 2);
    CHECK(reload.warmups[0] == Warmup{.script = "public/index.php"});
    CHECK(reload.warmups[1] ==
          Warmup{.pool = "api",
                 .script = "public/api.php",
                 .uri = "/v1/things?page=2",
                 .method = "POST",
                 .headers = {{"X-Token", "é: secret"}, {"Host", "example.org"}, {"Accept", ""}},
                 .body = "{}\0"s,
                 .count = 100,
                 .concurrency = 8,
                 .status = 201,
                 .text = "id",
                 .timeout = 3s});
    CHECK(loaded.settings.control.socket == "/run/app.sock");
    for (const auto& [key, origin] : {std::pair{"reload.slots"s, "c:9"s},
                                      {"reload.check[1].timeout"s, "c:14"s},
                                      {"reload.check[2].command"s, "c:17"s},
                                      {"reload.warmup[2].status"s, "c:30"s},
                                      {"reload.warmup[2].headers"s, "c:33"s}})
        CHECK(std::ranges::count(loaded.origins, Origins::value_type{key, origin}) == 1);
}

TEST_CASE("entries that are written in another way") {
    for (const std::string text : {
             "[[reload.warmup]]\nscript = 'a'\nheaders = { Host = 'h' }\n[reload]\nslots = 1",
             "[[reload.warmup]]\nscript = 'a'\nheaders.Host = 'h'",
             "[reload]\nwarmup = [{ script = 'a', headers = { Host = 'h' } }]",
             "reload.warmup = [\n  { script = 'a', headers.Host = 'h' },\n]",
             "reload = { warmup = [{ script = 'a', headers = { Host = 'h' } }] }",
             "[[ 'reload' . \"warmup\" ]]\nscript = 'a'\n[reload.warmup.headers]\nHost = 'h'",
         }) {
        CAPTURE(text);
        const auto loaded = from(text);
        CHECK_FALSE(any_error(loaded.problems));
        CHECK(loaded.settings.reload.warmups ==
              std::vector{Warmup{.script = "a", .headers = {{"Host", "h"}}}});
    }
    for (const std::string text : {"[reload]\nwarmup = []\ncheck = []\nwatch = []", "[reload]"}) {
        CHECK(problems(text).empty());
        CHECK(from(text).settings.reload.warmups.empty());
    }
}

TEST_CASE("a whole number is written as TOML has it") {
    CHECK(from("[reload]\nslots_dir = '/s'\nslots = 0x1_0").settings.reload.slots == 16);
    CHECK(from("[reload]\nslots_dir = '/s'\nslots = +1_000").settings.reload.slots == 1000);
    const auto allowed = " is not allowed; write a whole number from 1 to 1000, without quotes"s;
    for (const auto& [value, description] : std::vector<std::pair<std::string, std::string>>{
             {"'2'", "\"2\""},
             {"0", "0 (an integer)"},
             {"-1", "-1 (an integer)"},
             {"1_001", "1_001 (an integer)"},
             {"9223372036854775807", "9223372036854775807 (an integer)"},
             {"1.0", "1.0 (a floating-point number)"},
             {"true", "true (a boolean)"},
             {"[1]", "an array"}})
        CHECK(problems("[reload]\nslots = " + value) ==
              "c:2:9: reload.slots: " + description + allowed);
}

TEST_CASE("each key of [reload] and [control] says what is allowed") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"reload.strategy = 'swich'",
         "1:19: reload.strategy: \"swich\" is not allowed; write \"switch\", \"shared\" or "
         "\"signal\"; did you mean switch?"},
        {"reload.release = 'current'", "1:18: reload.release: \"current\" is not an absolute path; "
                                       "write one that begins with \"/\""},
        {"reload.slots_dir = ''", "1:20: reload.slots_dir: \"\" is not an absolute path; write one "
                                  "that begins with \"/\""},
        {"reload.ready = '0s'", "1:16: reload.ready: \"0s\" is not a time limit; write one as "
                                "\"8s\", \"250ms\", \"2m\", from \"1ms\" to \"24h\""},
        {"reload.low_memory = 'ignore'", "1:21: reload.low_memory: \"ignore\" is not allowed; "
                                         "write \"refuse\", \"proceed\" or \"signal\""},
        {"reload.watch = '/srv'", "1:16: reload.watch: \"/srv\" is not an array of absolute paths; "
                                  "write one as [\"/srv/app/current\"]"},
        {"reload.watch = ['/srv', 'app', '']",
         "1:25: reload.watch: \"app\" is not an absolute path; write one that begins with \"/\"\n"
         "c:1:32: reload.watch: \"\" is not an absolute path; write one that begins with \"/\""},
        {"reload.watch = ['/srv', 1]", "1:25: reload.watch: an item is 1 (an integer); every item "
                                       "is a string, so put it into quotes"},
        {"control.socket = 'sluice.sock'",
         "1:18: control.socket: \"sluice.sock\" is not allowed; write an absolute path of at most "
         "107 bytes, \"@\" for an abstract socket, or \"off\" for none"},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        CHECK(problems(text) == "c:" + line);
    }
}

TEST_CASE("each key of a warm-up says what is allowed") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"pool = ''", "8: reload.warmup[1].pool: \"\" is not allowed; write one line of text that "
                      "is not empty, in quotes"},
        {"uri = 'health'", "7: reload.warmup[1].uri: \"health\" is not a URI; write one that "
                           "begins with \"/\" and has no blanks, as in \"/health?full=1\""},
        {"method = \"GET\\r\\n\"", "10: reload.warmup[1].method: \"GET\\r\\n\" is not a method; "
                                   "write one of letters only, as in \"GET\", \"POST\""},
        {"count = 10_001", "9: reload.warmup[1].count: 10_001 (an integer) is not allowed; write a "
                           "whole number from 1 to 10000, without quotes"},
        {"concurrency = 65", "15: reload.warmup[1].concurrency: 65 (an integer) is not allowed; "
                             "write a whole number from 1 to 64, without quotes"},
        {"status = '200'", "10: reload.warmup[1].status: \"200\" is not allowed; write a whole "
                           "number from 100 to 599, without quotes"},
        {"text = 5",
         "8: reload.warmup[1].text: 5 (an integer) is not a string; put it into quotes"},
        {"timeout = '0ms'", "11: reload.warmup[1].timeout: \"0ms\" is not a time limit; write one "
                            "as \"8s\", \"250ms\", \"2m\", from \"1ms\" to \"24h\""},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        CHECK(problem_of_warmup(text) == "c:3:" + line);
    }
}

TEST_CASE("a header's name and value are checked, and its value is not shown") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"headers = 'X-Token: hunter2'", "11: reload.warmup[1].headers: a string is not a table of "
                                         "strings; write one as { Host = \"example.org\" }"},
        {"headers.X = \"hunter2\\n\"", "13: reload.warmup[1].headers.X: the value has a line's end "
                                       "or a NUL byte in it, which no header can have; remove it"},
        {"headers.X = \"\\u0000hunter2\"",
         "13: reload.warmup[1].headers.X: the value has a line's end "
         "or a NUL byte in it, which no header can have; remove it"},
        {"headers.X = 5",
         "13: reload.warmup[1].headers.X: the value is an integer; put it into quotes"},
        {"headers.X = ['hunter2']",
         "13: reload.warmup[1].headers.X: the value is an array; put it into quotes"},
        {"headers.\"X: a\\r\" = 'hunter2'",
         "9: reload.warmup[1].headers.X: a\\r: is not a header's name; write letters, digits and "
         "\"-\", as in \"X-Token\""},
        {"headers.'' = 'hunter2'",
         "9: reload.warmup[1].headers.\"\": is not a header's name; write letters, digits and "
         "\"-\", as in \"X-Token\""},
        {"headers.content-length = 'hunter2'",
         "9: reload.warmup[1].headers.content-length: is the length of the body, which sluice "
         "counts; remove it"},
        {"headers.X-Token = 'hunter2'\nheaders.x_token = 'hunter2'",
         "9: reload.warmup[1].headers.x_token: is for PHP the same header as X-Token in c:3:9; "
         "keep one of the two"},
        {"body = 4711", "8: reload.warmup[1].body: an integer is not a string; put it into quotes"},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        const bool second = text.find('\n') != std::string::npos;
        CHECK(problem_of_warmup(text) == (second ? "c:4:" : "c:3:") + line);
        CHECK(problem_of_warmup(text).find("hunter2") == std::string::npos);
    }
}

TEST_CASE("an entry that lacks what it needs") {
    CHECK(problems("[[reload.check]]\n[[reload.warmup]]\nuri = '/'\n") ==
          "c:1:1: reload.check[1].command: is missing, and every [[reload.check]] needs it; write "
          "an array of strings, such as [\"php\", \"bin/check\"]\n"
          "c:2:1: reload.warmup[1].script: is missing, and every [[reload.warmup]] needs it; write "
          "a string that is not empty");
    // What is wrong is not missing as well.
    CHECK(problems("[[reload.check]]\ncommand = []\n") ==
          "c:2:11: reload.check[1].command: there is no program in it; write one as [\"php\", "
          "\"bin/check\"], or remove the key");
    CHECK(problems("[[reload.warmup]]\nscript = 1\n") ==
          "c:2:10: reload.warmup[1].script: 1 (an integer) is not allowed; write one line of text "
          "that is not empty, in quotes");
}

TEST_CASE("single brackets for an array of tables") {
    const auto message = "there may be several, so it is an array of tables; write "
                         "[[reload.warmup]], with two brackets on each side"s;
    CHECK(problems("[reload.warmup]\nscript = 'a'\n") == "c:1:9: reload.warmup: " + message);
    CHECK(problems("reload.warmup.script = 'a'\n") == "c:1:8: reload.warmup: " + message);
    // What is in it is told at once.
    CHECK(problems("[reload.warmup]\nscript = 'a'\nstauts = 1\n") ==
          "c:1:9: reload.warmup: " + message +
              "\nc:3:1: reload.warmup[1].stauts: unknown key; did you mean reload.warmup.status?");
}

TEST_CASE("what is no array of tables") {
    const auto write = "write [[reload.check]] on a line of its own and its keys below it"s;
    CHECK(problems("[reload]\ncheck = 'true'\n") ==
          "c:2:1: reload.check: \"true\" is not an array of tables; " + write);
    CHECK(problems("[reload]\ncheck = ['true']\n") ==
          "c:2:10: reload.check: an entry is \"true\"; every entry is a table, so " + write);
    CHECK(problems("[reload]\ncheck = [[]]\n") ==
          "c:2:10: reload.check: an entry is an array; every entry is a table, so " + write);
    CHECK(problems("[reload]\ncheck = [{ command = ['true'] }, 5]\n") ==
          "c:2:34: reload.check: an entry is 5 (an integer); every entry is a table, so " + write);
    CHECK(problems("[[reload]]\nslots = 1\n") ==
          "c:1:3: reload: an array is not a section; write [reload] on a line of its own and its "
          "keys below it");
}

TEST_CASE("unknown names come with the nearest that is known") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"[reload]\nredy = '1s'", "2:1: reload.redy: unknown key; did you mean reload.ready?"},
        {"[reload]\nscript = 'a'", "2:1: reload.script: unknown key; did you mean "
                                   "reload.warmup.script? It belongs below [[reload.warmup]]"},
        {"[reload]\ntimeout = '1s'", "2:1: reload.timeout: unknown key; did you mean "
                                     "reload.check.timeout? It belongs below [[reload.check]]"},
        {"[[reload.warmup]]\nscript = 'a'\ncommand = ['a']",
         "3:1: reload.warmup[1].command: unknown key; did you mean reload.check.command? It "
         "belongs below [[reload.check]]"},
        {"[[reload.check]]\ncommand = ['a']\ncolour = 1",
         "3:1: reload.check[1].colour: unknown key; [[reload.check]] has command and timeout"},
        {"[[reload.warmups]]\nscript = 'a'",
         "1:10: reload.warmups: unknown section; did you mean [[reload.warmup]]?"},
        {"[[warmup]]\nscript = 'a'", "1:3: warmup: unknown key; every key belongs below one of "
                                     "[service], [signals], [drain], [reload], [[reload.check]], "
                                     "[[reload.warmup]], [control] and [log]"},
        {"[check]\ncommand = ['a']", "1:2: check: unknown section; did you mean [[reload.check]]?"},
        {"[reload.colour]\na = 1",
         "1:9: reload.colour: unknown key; [reload] has strategy, release, ready, retire, splay, "
         "watch, slots_dir, slots and low_memory"},
        {"[reload]\n'warmup.script' = 'a'",
         "2:1: reload.warmup.script: unknown key; [reload] has strategy, release, ready, retire, "
         "splay, watch, slots_dir, slots and low_memory"},
        {"['reload.warmup']\nscript = 'a'",
         "1:2: reload.warmup: unknown section; did you mean [[reload.warmup]]?"},
    };
    for (const auto& [text, line] : cases) {
        CAPTURE(text);
        CHECK(problems(text) == "c:" + line);
    }
}

TEST_CASE("every problem of every entry is told at once, with the entry's number") {
    CHECK(problems(R"([[reload.warmup]]
script = "a.php"
[[reload.warmup]]
stauts = 200
status = 99
[reload.warmup.headers]
Host = 1
[[reload.warmup]]
script = "b.php"
count = 2
concurrency = 3
)") == R"(c:3:1: reload.warmup[2].script: is missing, and every [[reload.warmup]] needs it; write a string that is not empty
c:4:1: reload.warmup[2].stauts: unknown key; did you mean reload.warmup.status?
c:5:10: reload.warmup[2].status: 99 (an integer) is not allowed; write a whole number from 100 to 599, without quotes
c:7:8: reload.warmup[2].headers.Host: the value is an integer; put it into quotes
c:11:15: reload.warmup[3].concurrency: 3 at a time is more than there are: count is 2; write a higher count or a lower concurrency)");
}

TEST_CASE("more entries than anybody needs") {
    std::string text = "[reload]\nwarmup = [\n";
    for (std::size_t at = 0; at < most_entries; ++at) text += "{ script = 'a' },\n";
    CHECK(from(text + "]").problems.empty());
    CHECK(from(text + "]").settings.reload.warmups.size() == most_entries);
    CHECK(problems(text + "{ script = 'a' }, { }, 5 ]") ==
          "c:103:1: reload.warmup: has more than 100 entries; remove some");
}
