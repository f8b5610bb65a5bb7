#include "init/control/request.h"

#include <doctest/doctest.h>

#include <array>

namespace sluice::control {

namespace {

constexpr std::array all{Request::reload, Request::reload_wait, Request::status,
                         Request::stop,   Request::stop_now,    Request::health};

std::string refusal_of(std::string_view line) {
    const auto request = parse_request(line);
    const auto* const why = std::get_if<std::string>(&request);
    return why == nullptr ? "" : *why;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("every request is read back") {
    for (const auto request : all) {
        auto line = encode_request(request);
        CHECK(line.size() < longest_request);
        REQUIRE(line.back() == '\n');
        line.pop_back();
        CHECK(parse_request(line) == std::variant<Request, std::string>(request));
    }
    CHECK(encode_request(Request::stop_now) == "sluice/1 stop now\n");
}

TEST_CASE("anything that is not exactly a request is refused") {
    for (const std::string_view words :
         {"", "Status", "status ", " status", "reload  wait", "reload wait now", "stop  now", "now",
          "wait", "status\r", "status\t", "reload\x1bwait", "health;stop"}) {
        const auto line = "sluice/1 " + std::string(words);
        CAPTURE(line);
        CHECK(contains(refusal_of(line),
                       "\"reload\", \"reload wait\", \"status\", \"stop\", \"stop "
                       "now\", \"health\""));
    }
    CHECK_FALSE(refusal_of(std::string_view("sluice/1 status\0", 16)).empty());
    CHECK_FALSE(refusal_of("sluice/1").empty());
}

TEST_CASE("another version of the protocol is told which one is spoken") {
    const auto why = refusal_of("sluice/2 reload blue-green");
    CHECK(contains(why, "speaks sluice/1"));
    CHECK(contains(why, "\"sluice/2\""));
    CHECK(contains(why, "docker exec"));
    for (const std::string_view line : {"", "status", "GET / HTTP/1.1", "SLUICE/1 status", "\n"}) {
        CAPTURE(line);
        CHECK(contains(refusal_of(line), "speaks sluice/1"));
    }
}

TEST_CASE("a refusal shows any bytes harmlessly, and is short") {
    const auto why = refusal_of("\x1b[31m\xFF\xC2\x9B" + std::string(200, 'x'));
    CHECK(contains(why, "\\u001B[31m\\xFF\\u009B"));
    CHECK(why.size() < 300);
    CHECK(contains(refusal_of(std::string(longest_request, 'a')), "at most 256 bytes"));
    CHECK_FALSE(contains(refusal_of(std::string(longest_request - 1, 'a')), "at most 256 bytes"));
}

} // namespace sluice::control
