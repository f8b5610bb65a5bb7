#include "init/control/reply.h"

#include <doctest/doctest.h>

namespace sluice::control {

using namespace std::chrono_literals;

TEST_CASE("replies are the documented JSON") {
    CHECK(encode_reply(Progress{.step = "check", .state = Progress::State::begins}) ==
          R"({"step":"check","state":"begins","took_ms":0,"text":""})");
    CHECK(encode_reply(Progress{"warm-up", Progress::State::done, 12ms, "5 requests"}) ==
          R"({"step":"warm-up","state":"done","took_ms":12,"text":"5 requests"})");
    CHECK(encode_reply(Done{false, "rolled back: \"ping\""}) ==
          R"({"done":true,"ok":false,"text":"rolled back: \"ping\""})");
    CHECK(encode_reply(Failure{"no"}) == R"({"error":"no"})");
    CHECK(encode_reply(Status{"{}"}) == R"({"status":{}})");
}

TEST_CASE("replies are read back") {
    const core::Report report{.version = "1", .service = "php-fpm"};
    const auto status = parse_reply(encode_status(report));
    REQUIRE(status);
    CHECK(encode_reply(*status) == encode_status(report));
    for (const Reply& reply :
         {Reply(Progress{"check", Progress::State::begins, 0ms, ""}),
          Reply(Progress{"a \x01 b", Progress::State::done, 60s, "\xC3\xA9\n"}),
          Reply(Done{true, "reload asked for"}), Reply(Done{false, ""}), Reply(Failure{"why"})}) {
        const auto line = encode_reply(reply);
        CAPTURE(line);
        CHECK(line.find('\n') == std::string::npos);
        CHECK(parse_reply(line) == reply);
    }
}

TEST_CASE("bytes that are no UTF-8 still make a line that can be read") {
    const auto reply = parse_reply(encode_reply(Done{false, "\xFF\xC2"}));
    REQUIRE(reply);
    CHECK(std::get<Done>(*reply).text == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("what is no reply is nothing") {
    for (const std::string_view line :
         {"", "{}", "[]", "null", "{\"done\":true}", "{\"done\":false,\"ok\":true,\"text\":\"\"}",
          "{\"done\":true,\"ok\":1,\"text\":\"\"}", "{\"done\":true,\"ok\":true,\"text\":\"\"} x",
          "{\"status\":1}", "{\"status\":{},\"done\":true}", " {\"status\":{}}", "{\"error\":null}",
          "{\"step\":\"a\",\"state\":\"ends\",\"took_ms\":1,\"text\":\"\"}",
          "{\"step\":\"a\",\"state\":\"done\",\"took_ms\":-1,\"text\":\"\"}",
          "{\"step\":\"a\",\"state\":\"done\",\"took_ms\":9223372036854775807,\"text\":\"\"}",
          "{\"step\":\"a\",\"state\":\"done\",\"text\":\"\"}", "HTTP/1.1 400 Bad Request",
          "{\"error\":\"\xFF\"}"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_reply(line));
    }
    const auto deep = std::string(10'000, '[');
    CHECK_FALSE(parse_reply("{\"status\":" + deep));
}

} // namespace sluice::control
