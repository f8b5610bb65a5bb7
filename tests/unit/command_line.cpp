#include <doctest/doctest.h>

#include "init/options.h"

namespace sluice {

namespace {

using Task = CommandLine::Task;
using control::Request;

CommandLine parse(std::vector<const char*> words) {
    words.insert(words.begin(), "sluice");
    return parse_command_line(static_cast<int>(words.size()), words.data());
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct Expected {
    std::vector<const char*> words;
    Request request;
    bool json;
};

} // namespace

TEST_CASE("the requests to a running sluice") {
    for (const auto& expected : std::vector<Expected>{
             {{"reload"}, Request::reload, false},
             {{"reload", "--wait"}, Request::reload_wait, false},
             {{"status"}, Request::status, false},
             {{"status", "--json"}, Request::status, true},
             {{"stop"}, Request::stop, false},
             {{"stop", "--now"}, Request::stop_now, false},
             {{"health"}, Request::health, false},
             {{"health", "--socket", "@a"}, Request::health, false},
         }) {
        const auto line = parse(expected.words);
        CAPTURE(expected.words.front());
        CHECK(line.problems.empty());
        CHECK(line.task == Task::ask);
        CHECK(line.request == expected.request);
        CHECK(line.json == expected.json);
        CHECK(line.socket.has_value() == (expected.words.size() == 3));
    }
    CHECK(parse({"reload", "--wait", "--socket=/x"}).socket == "/x");
    CHECK(parse({"stop", "--socket", "/x", "--now"}).request == Request::stop_now);
}

TEST_CASE("a service that is called as a request goes behind --") {
    for (const auto* const name : {"reload", "status", "stop", "health", "check"}) {
        const auto line = parse({"--", name, "--wait"});
        CHECK(line.task == Task::run);
        CHECK(line.problems.empty());
        CHECK(line.options.command == std::vector<std::string>{name, "--wait"});
    }
    for (const auto* const separator : {"x", "--"}) {
        const auto line = parse({"status", separator, "now"});
        REQUIRE(line.problems.size() == 1);
        CHECK(contains(config::to_text(line.problems.front()), "write `sluice -- status`"));
    }
}

TEST_CASE("what a request does not have is refused, and its help says what it has") {
    for (const auto& words : std::vector<std::vector<const char*>>{{"reload", "--now"},
                                                                   {"status", "--wait"},
                                                                   {"stop", "--json"},
                                                                   {"health", "--config", "/x"},
                                                                   {"status", "--socket"},
                                                                   {"--socket", "/x", "true"}}) {
        const auto line = parse(words);
        CAPTURE(words.front());
        CHECK_FALSE(line.problems.empty());
        CHECK_FALSE(line.text.empty());
    }
    const auto help = parse({"reload", "--help"});
    CHECK(help.task == Task::say);
    CHECK(contains(help.text, "Usage: sluice reload [OPTIONS]\n"));
    CHECK(contains(help.text, "--wait"));
    CHECK(contains(help.text, "`sluice -- reload`"));
    CHECK_FALSE(contains(help.text, "--map-exit"));
    CHECK(contains(parse({"--help"}).text, "health"));
}

} // namespace sluice
