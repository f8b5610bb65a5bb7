#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

#include "init/fpm/fastcgi.h"

using namespace sluice::fpm;
using namespace std::string_literals;

namespace {

std::string record(int type, std::string_view content, int padding = 0, int id = 1,
                   int version = 1) {
    const auto size = static_cast<int>(content.size());
    std::string bytes;
    for (const int byte : {version, type, id >> 8, id & 255, size >> 8, size & 255, padding, 0})
        bytes += static_cast<char>(byte);
    bytes += content;
    bytes.append(static_cast<std::size_t>(padding), '!');
    return bytes;
}

// FCGI_END_REQUEST
const std::string end = record(3, "\0\0\0\0\0\0\0\0"s);

// PHP-FPM 8.2's answer to a script that logs "oops", sets the status 404 and prints "gone".
const std::string real_reply =
    "\x01\x07\0\x01\0\x11\x07\0PHP message: oops\0\0\0\0\0\0\0"
    "\x01\x06\0\x01\0\x45\x03\0Status: 404 Not Found\r\nContent-type: text/html; charset=UTF-8\r\n"
    "\r\ngone\0\0\0\x01\x03\0\x01\0\x08\0\0\0\0\0\0\0\0\0\0"s;

ResponseReader read(std::string_view bytes, std::size_t most = 1'000) {
    ResponseReader reader(most);
    reader.feed(bytes);
    return reader;
}

} // namespace

TEST_CASE("a request is what the specification says, byte for byte") {
    CHECK(encode_request({{"A", "bc"}}, "body", AfterReply::close_connection) ==
          "\x01\x01\0\x01\0\x08\0\0\0\x01\0\0\0\0\0\0"
          "\x01\x04\0\x01\0\x05\0\0\x01\x02"
          "Abc"
          "\x01\x04\0\x01\0\0\0\0"
          "\x01\x05\0\x01\0\x04\0\0body"
          "\x01\x05\0\x01\0\0\0\0"s);
    CHECK(encode_request({}, "", AfterReply::keep_connection) ==
          "\x01\x01\0\x01\0\x08\0\0\0\x01\x01\0\0\0\0\0"
          "\x01\x04\0\x01\0\0\0\0"
          "\x01\x05\0\x01\0\0\0\0"s);
}

TEST_CASE("a long value has a long length, a long body several records") {
    const auto bytes = encode_request({{"N", std::string(300, 'v')}}, std::string(100'000, 'b'),
                                      AfterReply::close_connection);
    CHECK(bytes.find("\x01\x80\0\x01\x2cNvvv"s) != std::string::npos);
    CHECK(bytes.find("\x01\x05\0\x01\xff\xf8\0\0bbb"s) != std::string::npos);
    // 100,000 - 65,528 = 34,472 = 0x86a8
    CHECK(bytes.find("\x01\x05\0\x01\x86\xa8\0\0bbb"s) != std::string::npos);
}

TEST_CASE("no param goes on in another record, as PHP does not take that") {
    const auto bytes =
        encode_request({{"A", std::string(40'000, 'a')}, {"B", std::string(40'000, 'b')}}, "",
                       AfterReply::close_connection);
    // 6 bytes of name and lengths and 40,000: 0x9c46
    CHECK(bytes.find("\x01\x04\0\x01\x9c\x46\0\0\x01\x80\0\x9c\x40"
                     "Aaaa"s) == 16);
    CHECK(bytes.find("\x01\x04\0\x01\x9c\x46\0\0\x01\x80\0\x9c\x40"
                     "Bbbb"s) == 16 + 8 + 40'006);
    CHECK(encode_request({{"A", std::string(70'000, 'a')}}, "", AfterReply::close_connection)
              .size() == 16 + 8 + 8 + 70'006 + 8 + 8);
}

TEST_CASE("a real reply is read, in one piece or byte by byte") {
    auto whole = read(real_reply);
    ResponseReader by_byte(1'000);
    for (const char byte : real_reply) {
        CHECK_FALSE(by_byte.done());
        CHECK(by_byte.feed({&byte, 1}));
    }
    for (const auto* const reader : {&whole, &by_byte}) {
        CHECK(reader->done());
        CHECK_FALSE(reader->truncated());
        CHECK(reader->error_output() == "PHP message: oops");
        CHECK(reader->protocol_status() == ProtocolStatus::request_complete);
        CHECK(reader->app_status() == 0);
        const auto page = parse_page(reader->output());
        REQUIRE(page);
        CHECK(page->status == 404);
        CHECK(page->body == "gone");
        REQUIRE(page->headers.size() == 1);
        CHECK(page->headers[0].first == "Content-type");
        CHECK(page->headers[0].second == "text/html; charset=UTF-8");
    }
}

TEST_CASE("a reply that is cut is neither done nor failed") {
    for (std::size_t size = 0; size < real_reply.size(); ++size) {
        const auto reader = read(std::string_view(real_reply).substr(0, size));
        CHECK_FALSE(reader.done());
        CHECK_FALSE(reader.failed());
    }
}

TEST_CASE("the padding after the end belongs to the reply") {
    const auto last = record(3, "\0\0\0\x07\0\0\0\0"s, 5);
    auto reader = read(last.substr(0, last.size() - 1));
    CHECK_FALSE(reader.done());
    CHECK(reader.feed("x"));
    CHECK(reader.done());
    CHECK(reader.app_status() == 7);
}

TEST_CASE("what is beyond the limit is dropped, and said to be") {
    const auto reply = record(6, "12345") + record(7, "abc", 1) + record(6, "678") + end;
    const auto cut = read(reply, 6);
    CHECK(cut.done());
    CHECK(cut.truncated());
    CHECK(cut.output() == "123456");
    CHECK(cut.error_output() == "abc");
    CHECK_FALSE(read(reply, 8).truncated());
    CHECK(read(reply, 0).output().empty());
}

TEST_CASE("the worker's refusals are told apart") {
    const auto status = [](char code) {
        return read(record(3, "\0\0\0\0"s + code + "\0\0\0"s)).protocol_status();
    };
    CHECK(status(1) == ProtocolStatus::cannot_multiplex);
    CHECK(status(2) == ProtocolStatus::overloaded);
    CHECK(status(3) == ProtocolStatus::unknown_role);
    CHECK(read(record(3, "\0\0\0\0\x04\0\0\0"s)).failed());
}

TEST_CASE("what is no reply to our request fails, and stays failed") {
    CHECK(read("HTTP/1.1 400 Bad Request\r\n").failed());
    CHECK(read(record(6, "x", 0, 1, 2)).failed()); // version 2
    CHECK(read(record(6, "x", 0, 2)).failed());    // another request
    CHECK(read(record(6, "x", 0, 257)).failed());
    CHECK(read(record(5, "x")).failed());       // not for a worker to send
    CHECK(read(record(3, "1234567")).failed()); // too short an end
    CHECK(read(end + "x").failed());
    auto reader = read("HTTP/1.1 400 Bad Request\r\n");
    CHECK_FALSE(reader.feed(real_reply));
    CHECK_FALSE(reader.done());
}

TEST_CASE("records about the connection mean nothing") {
    const auto reader = read(record(11, "12345678", 3, 0) + record(6, "", 2) + record(6, "ok") +
                             record(3, "x", 0, 0) + end);
    CHECK(reader.done());
    CHECK(reader.output() == "ok");
}

TEST_CASE("a page is split into status, headers and body") {
    const auto plain =
        parse_page("Content-type: text/plain;charset=UTF-8\r\nX:  a:b \r\n\r\npong\n");
    REQUIRE(plain);
    CHECK(plain->status == 200);
    CHECK(plain->headers[1] == std::pair("X"s, "a:b"s));
    CHECK(plain->body == "pong\n");
    CHECK(parse_page("STATUS: 503\n\n")->status == 503);
    CHECK(parse_page("\r\n")->body.empty());
    for (const auto* const bad : {"", "A: b\r\n", "no header\r\n\r\n", "Status: x\r\n\r\n",
                                  "Status: 2000\r\n\r\n", "Status: 99\r\n\r\n", "Status:\r\n\r\n",
                                  "Status: 200OK\r\n\r\n", "Status: -200\r\n\r\n"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_page(bad));
    }
}
