#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/quote.h"
#include "config/values.h"

using namespace sluice::config;
using namespace std::chrono_literals;
using namespace std::string_literals;

TEST_CASE("a duration is a whole number and a unit") {
    const std::vector<std::pair<std::string, Duration>> good{
        {"8s", 8s},   {"250ms", 250ms}, {"2m", 2min},        {"1h", 1h},     {"0s", 0s},
        {"0ms", 0s},  {"0h", 0s},       {"24h", 24h},        {"1440m", 24h}, {"86400s", 24h},
        {"007s", 7s}, {"1ms", 1ms},     {"86400000ms", 24h},
    };
    for (const auto& [text, duration] : good) {
        CAPTURE(text);
        CHECK(parse_duration(text) == duration);
    }
}

TEST_CASE("nothing else is a duration") {
    const std::vector<std::string> bad{
        "",
        " ",
        "s",
        "8",
        "8 s",
        " 8s",
        "8s ",
        "-8s",
        "+8s",
        "1.5s",
        "8S",
        "8sec",
        "8s8ms",
        "8d",
        "1e3s",
        "0x8s",
        "eight",
        "25h",
        "1441m",
        "86401s",
        "86400001ms",
        "18446744073709551616ms",
        "18446744073709551615h",
        "99999999999999999999999999999999s",
        "8s\n",
        "8\0s"s,
        "8s\0"s,
        "\xFF",
        "8µs",
    };
    for (const auto& text : bad) {
        CAPTURE(text);
        CHECK_FALSE(parse_duration(text));
    }
}

TEST_CASE("a duration is written in the largest exact unit and read back") {
    const std::vector<std::pair<Duration, std::string>> cases{
        {0ms, "0s"},  {1ms, "1ms"},  {1000ms, "1s"}, {1500ms, "1500ms"}, {90s, "90s"},
        {120s, "2m"}, {3600s, "1h"}, {90min, "90m"}, {24h, "24h"},       {500ms, "500ms"},
    };
    for (const auto& [duration, text] : cases) {
        CHECK(text_of(duration) == text);
        CHECK(parse_duration(text) == duration);
    }
    for (int milliseconds = 0; milliseconds < 200'000; milliseconds += 37)
        CHECK(parse_duration(text_of(Duration{milliseconds})) == Duration{milliseconds});
}

TEST_CASE("a back-off has a first pause and a longest") {
    CHECK(parse_backoff("100ms..5s") == Backoff{100ms, 5s});
    CHECK(parse_backoff("1ms..1ms") == Backoff{1ms, 1ms});
    CHECK(parse_backoff("1s..24h") == Backoff{1s, 24h});
    for (const std::string text :
         {"", "..", "100ms", "100ms..", "..5s", "5s..100ms", "0s..5s", "100ms...5s", "100ms .. 5s",
          "100ms-5s", "1s..25h", "1s..2s..3s", "-1s..5s", "1..5s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_backoff(text));
    }
    CHECK(text_of(Backoff{}) == "100ms..5s");
}

TEST_CASE("a restart limit has a count and a window") {
    CHECK(parse_restart_limit("5 in 60s") == RestartLimit{5, 60s});
    CHECK(parse_restart_limit("1 in 1s") == RestartLimit{1, 1s});
    CHECK(parse_restart_limit("1000 in 24h") == RestartLimit{1000, 24h});
    for (const std::string text :
         {"", "5", "5 in", "5 in ", "in 60s", "0 in 60s", "1001 in 60s", "-1 in 60s", "5 in 999ms",
          "5 in 0s", "5in60s", "5  in 60s", "5 IN 60s", "5 in 60", "99999999999999999999 in 60s"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_restart_limit(text));
    }
    CHECK(text_of(RestartLimit{}) == "5 in 1m");
    CHECK(parse_restart_limit(text_of(RestartLimit{})) == RestartLimit{});
}

TEST_CASE("quoted text is one harmless line") {
    CHECK(quoted("plain") == R"("plain")");
    CHECK(quoted("a\nb\t\x1b[2J\x7f") == R"("a\nb\t\u001B[2J\u007F")");
    CHECK(quoted("say \"hi\" \\") == R"("say \"hi\" \\")");
    CHECK(quoted("a\0b"s) == R"("a\u0000b")");
    CHECK(quoted("h\xC3\xA9 \xF0\x9F\x98\x80") == "\"h\xC3\xA9 \xF0\x9F\x98\x80\"");
    CHECK(quoted("\xC2\x9B") == R"("\u009B")");
    for (const std::string bytes : {"\xFF", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
                                    "\xF4\x90\x80\x80", "\xF0\x80\x80\x80", "\x80", "\xE2\x82"}) {
        CAPTURE(bytes);
        CHECK(quoted(bytes).starts_with("\"\\x"));
        CHECK(quoted(bytes).size() == 2 + 4 * bytes.size());
    }
}

TEST_CASE("quoted text is cut between characters") {
    CHECK(quoted(std::string(60, 'a')) == '"' + std::string(60, 'a') + '"');
    CHECK(quoted(std::string(3000, 'a')) == '"' + std::string(60, 'a') + "...\" (3000 bytes)");
    std::string wide(59, 'a');
    for (int i = 0; i < 10; ++i) wide += "\xF0\x9F\x98\x80";
    CHECK(quoted(wide) == '"' + std::string(59, 'a') + "...\" (99 bytes)");
    CHECK(quoted(std::string(100, '\x80')).size() < 300);
}

TEST_CASE("a number is digits within its range") {
    CHECK(parse_number("1", 1, 64) == 1);
    CHECK(parse_number("64", 1, 64) == 64);
    CHECK(parse_number("007", 1, 64) == 7);
    for (const std::string text : {"", "0", "65", "-1", "+1", " 1", "1 ", "1.0", "0x1", "1s", "1_0",
                                   "4294967297", "18446744073709551617"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_number(text, 1, 64));
    }
}

TEST_CASE("a header is a name and a value of one line") {
    CHECK(parse_header("Host: example.org") == Header{"Host", "example.org"});
    CHECK(parse_header("X!#$%&'*+-.^_`|~9: ") == Header{"X!#$%&'*+-.^_`|~9", ""});
    CHECK(parse_header("A:  b: c ") == Header{"A", " b: c "});
    CHECK(parse_header("A: \xC3\xA9\t") == Header{"A", "\xC3\xA9\t"});
    for (const auto& text :
         {""s, "A"s, "A:b"s, ": b"s, "A b: c"s, "A : c"s, "A\n: c"s, "\xC3\xA9: c"s, "A: b\r"s,
          "A: b\nC: d"s, "A: b\0"s, "A\0: b"s, "(A): b"s}) {
        CAPTURE(text);
        CHECK_FALSE(parse_header(text));
    }
}

TEST_CASE("what is a token, a URI, a path, a name and a control socket") {
    CHECK(is_token("GET"));
    CHECK_FALSE(is_token(""));
    CHECK_FALSE(is_token("GET /"));
    CHECK(is_uri("/"));
    CHECK(is_uri("/a%20b?c=d&e[]=\xC3\xA9"));
    for (const auto& text : {""s, "a"s, "http://a/"s, "/a b"s, "/a\n"s, "/\x7F"s, "/\0"s, "?a"s})
        CHECK_FALSE(is_uri(text));
    CHECK(is_absolute_path("/"));
    CHECK(is_absolute_path("/a b/\xC3\xA9"));
    for (const auto& text : {""s, "a"s, "./a"s, "~/a"s, "/a\0b"s, "/\xFF"s, "/\xC3"s})
        CHECK_FALSE(is_absolute_path(text));
    CHECK(is_name("www"));
    CHECK(is_name("public/index.php"));
    for (const auto& text : {""s, "a\nb"s, "a\0"s, "\x7F"s}) CHECK_FALSE(is_name(text));
    CHECK(is_control_socket("/run/sluice.sock"));
    CHECK(is_control_socket("@"));
    CHECK(is_control_socket("off"));
    CHECK(is_control_socket("/" + std::string(longest_socket_path - 1, 'a')));
    CHECK_FALSE(is_control_socket("/" + std::string(longest_socket_path, 'a')));
    for (const auto& text : {""s, "on"s, "@sluice"s, "run/sluice.sock"s, "OFF"s})
        CHECK_FALSE(is_control_socket(text));
}
