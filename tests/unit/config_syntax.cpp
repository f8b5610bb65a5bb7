#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "config/load.h"

using namespace sluice::config;
using namespace std::string_literals;

namespace {

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

TEST_CASE("a syntax error is told alone") {
    const auto loaded =
        load(File{"/c.toml", "nonsense = 1\n[drain\n"}, {"SLUICE_DRAIN_DEADLINE=x"});
    REQUIRE(loaded.problems.size() == 1);
    CHECK(loaded.problems.front().where.starts_with("/c.toml:2:"));
    CHECK(loaded.problems.front().message.starts_with("not valid TOML: "));
    CHECK(any_error(loaded.problems));
}

TEST_CASE("a syntax error of a beginner comes with the next step") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"deadline = 8s", "; put the value into quotes: deadline = \"8s\""},
        {"deadline = 8s # comment", "; put the value into quotes: deadline = \"8s\""},
        {"restart = on-failure\r", "; put the value into quotes: restart = \"on-failure\""},
        {"backoff = 100ms..5s", "; put the value into quotes: backoff = \"100ms..5s\""},
        {"RTMIN+3 = \"drain\"", "; put the key into quotes: \"RTMIN+3\" = ..."},
    };
    for (const auto& [text, hint] : cases) {
        const auto line = problems("[x]\n" + text + "\n");
        CAPTURE(line);
        CHECK(line.starts_with("/c.toml:2:"));
        CHECK(line.ends_with(hint));
    }
}

TEST_CASE("a syntax error shows no value that may be a secret") {
    for (const std::string text : {
             "[[reload.warmup]]\nbody = hunter2\n",
             "[[reload.warmup]]\nscript = 'a'\n[reload.warmup.headers]\n# x\nX-Token = hunter2\n",
             "[[ reload.warmup ]]\nscript = 'a'\nheaders.X-Token = hunter2\n",
             "[ reload . warmup . headers ] # [x]\nX-Token = hunter2\n",
         }) {
        CAPTURE(text);
        const auto line = problems(text);
        CHECK(line.find("hunter2") == std::string::npos);
        CHECK(line.ends_with(" = \"...\""));
    }
    CHECK(problems("[reload.warmup.headers]\n[drain]\ndeadline = 8s").ends_with("= \"8s\""));
}

TEST_CASE("quotes are no cure for a number") {
    CHECK(problems("[reload]\nslots = two\n").find("quotes") == std::string::npos);
}

TEST_CASE("files that are no TOML") {
    const std::vector<std::pair<std::string, std::string>> cases{
        {"é = 1", "/c.toml:1:1: not valid TOML: "},
        {"a = 1 \xEF\xBB\xB7", "/c.toml:1:7: not valid TOML: "},
        {"[=]", "/c.toml:1:2: not valid TOML: "},
        {"[drain]\ndeadline = \"\xFF\"", "/c.toml:2:12: not valid TOML: "},
        {"\x7F\x45LF", "/c.toml:1:1: not valid TOML: "},
        {"a = 99999999999999999999", "/c.toml:1:"},
        {"a = 1e999", "/c.toml:1:"},
        {"a = 1\na = 2", "/c.toml:2:"},
        {"a = \"x\ny\"", "/c.toml:1:"},
        {"a = '''x", "/c.toml:1:"},
        {"{}", "/c.toml:1:1: "},
        {"drain: {deadline: 8s}", "/c.toml:1:"},
        {"x = 1\0"s, "/c.toml:1: holds a NUL byte, so it is no text file; name the right file, or "
                     "save it as UTF-8"},
        {"#\n#\0"s, "/c.toml:2: holds a NUL byte"},
        {"a = " + std::string(5000, '['), "/c.toml:1:"},
    };
    for (const auto& [text, start] : cases) {
        CAPTURE(text);
        const auto line = problems(text);
        CHECK(line.substr(0, start.size()) == start);
        CHECK(line.find('\n') == std::string::npos);
        CHECK(line.size() < 400);
    }
}

TEST_CASE("nesting does not cost the stack") {
    std::string dotted = "a";
    for (int i = 0; i < 400'000; ++i) dotted += ".a";
    const auto deep = "more than 100 dots in one line, which would nest tables too deep; a key has "
                      "two dots at the most, and an array may have a line for each item"s;
    CHECK(problems(dotted + " = 1") == "/c.toml:1: " + deep);
    CHECK(problems("\n[" + dotted + "]") == "/c.toml:2: " + deep);
    CHECK(problems("a = { " + dotted + " = 1 }") == "/c.toml:1: " + deep);
    CHECK(problems("x = \"\"\"\n\"'\"\"\"\n" + dotted + " = 1") == "/c.toml:3: " + deep);
    // Dots in strings and comments nest nothing.
    const std::string dots(500, '.');
    CHECK(from("[service]\ncommand = ['" + dots + "', \"\\\"" + dots + "\"] #" + dots)
              .problems.empty());
    // The deepest that is let through.
    std::string nested = "1";
    for (int i = 0; i < 200; ++i) nested = "[\n{" + dotted.substr(0, 199) + " = " + nested + "}]";
    CHECK(from("x = " + nested).problems.size() == 1);
}

TEST_CASE("no text makes load() throw or crash") {
    const std::string seed = "\xEF\xBB\xBF[service]\ncommand = [\"a\", 'b']\nkind = \"plain\"\r\n"
                             "[signals]\n\"RTMIN+3\" = \"forward QUIT\" # c\n[drain]\n"
                             "deadline = \"8s\"\n[log]\nlevel = { a.b = [1, 2.5, 1979-05-27] }\n";
    const std::string letters = "[]{}=.\"'#\n\r\\\xFF\xC3 8aT_-+:,\0u"s;
    unsigned state = 1;
    const auto next = [&state](std::size_t below) {
        state = state * 1'103'515'245U + 12'345U;
        return (state >> 8U) % below;
    };
    for (int round = 0; round < 3000; ++round) {
        auto text = seed;
        for (std::size_t change = next(6) + 1; change > 0; --change) {
            const auto at = next(text.size());
            switch (next(3)) {
            case 0: text[at] = letters[next(letters.size())]; break;
            case 1: text.insert(at, 1, letters[next(letters.size())]); break;
            default: text.erase(at, next(5) + 1); break;
            }
            if (text.empty()) text = "x";
        }
        for (const auto& problem : from(text).problems) {
            const auto line = to_text(problem);
            CHECK(line.find('\n') == std::string::npos);
            CHECK(line.find('\0') == std::string::npos);
        }
    }
}
