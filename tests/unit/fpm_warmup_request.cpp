#include "init/fpm/warmup_request.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>

namespace sluice::fpm {

using config::Warmup;

namespace {

std::map<std::string, std::string> params(const Warmup& entry) {
    std::map<std::string, std::string> all;
    for (const auto& [name, value] : params_of(entry)) {
        CHECK_MESSAGE(all.emplace(name, value).second, name); // none twice
    }
    return all;
}

Reply page(const std::string& output) {
    return {.end = Reply::End::whole, .output = output};
}

std::string why(const Warmup& entry, const Reply& reply) {
    return complaint(entry, reply).value_or("");
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a request has what a web server passes") {
    auto all = params({.script = "public/index.php"});
    CHECK(all["SCRIPT_FILENAME"] == "public/index.php");
    CHECK(all["SCRIPT_NAME"] == "/index.php");
    CHECK(all["DOCUMENT_ROOT"] == "public");
    CHECK(all["DOCUMENT_URI"] == "/index.php");
    CHECK(all["REQUEST_URI"] == "/index.php");
    CHECK(all["QUERY_STRING"].empty());
    CHECK(all["REQUEST_METHOD"] == "GET");
    CHECK(all["SERVER_PROTOCOL"] == "HTTP/1.1");
    CHECK(all["GATEWAY_INTERFACE"] == "CGI/1.1");
    CHECK(all["REDIRECT_STATUS"] == "200");
    CHECK(all["REMOTE_ADDR"] == "127.0.0.1");
    CHECK(all["SERVER_NAME"] == "localhost");
    CHECK(all["HTTP_HOST"] == "localhost");
    CHECK(all["CONTENT_LENGTH"].empty());
}

TEST_CASE("the URI's query, the headers and the body are passed") {
    auto all = params({.script = "/srv/app/index.php",
                       .uri = "/login?a=b?c",
                       .method = "POST",
                       .headers = {{"host", "example.org:8080"},
                                   {"Content-Type", "application/json"},
                                   {"content-length", "999"},
                                   {"Accept-Language", "de"}},
                       .body = "{}"});
    CHECK(all["REQUEST_URI"] == "/login?a=b?c");
    CHECK(all["QUERY_STRING"] == "a=b?c");
    CHECK(all["DOCUMENT_ROOT"] == "/srv/app");
    CHECK(all["SERVER_NAME"] == "example.org");
    CHECK(all["HTTP_HOST"] == "example.org:8080");
    CHECK(all["CONTENT_TYPE"] == "application/json");
    CHECK(all["CONTENT_LENGTH"] == "2");
    CHECK(all["HTTP_ACCEPT_LANGUAGE"] == "de");
    CHECK(all.count("HTTP_CONTENT_LENGTH") == 0);
}

TEST_CASE("scripts without a folder, and hosts of all kinds") {
    CHECK(params({.script = "index.php"})["DOCUMENT_ROOT"] == ".");
    CHECK(params({.script = "/index.php"})["DOCUMENT_ROOT"] == "/");
    const auto server = [](const std::string& host) {
        return params({.script = "a.php", .headers = {{"Host", host}}})["SERVER_NAME"];
    };
    CHECK(server("[::1]:8080") == "[::1]");
    CHECK(server("[::1]") == "[::1]");
    CHECK(server("") == "localhost");
}

TEST_CASE("what is expected is no complaint") {
    CHECK_FALSE(complaint({}, page("\r\n")));
    CHECK_FALSE(complaint({.text = "lo wor"}, page("X: y\r\n\r\nhello world")));
    CHECK_FALSE(complaint({.status = 302}, page("Status: 302 Found\r\n\r\n")));
}

TEST_CASE("a complaint says what was expected, what came and what to do") {
    const auto broken = why({}, {.end = Reply::End::whole,
                                 .output = "Status: 500 Oops\r\n\r\n<h1>\x1b[2J\n",
                                 .errors = "no\ndatabase"});
    CHECK(broken == "expected status 200, came status 500 and \"<h1>\\x1b[2J\\n\"; PHP says "
                    "\"no\\ndatabase\"; mend the release, or what this entry expects");
    CHECK(has(why({.text = "hello"}, page("\r\nbye")), "expected \"hello\" in the body"));
    CHECK(has(why({}, page("no headers")), "the answer is no page: \"no headers\""));
    CHECK(has(why({}, {.end = Reply::End::cut}), "closed before the answer's end"));
    CHECK(has(why({}, {.end = Reply::End::cut, .error = ECONNRESET}), "reset"));
    CHECK(has(why({}, {.end = Reply::End::not_connected, .error = EACCES}), "Permission denied"));
    CHECK(has(why({}, {.end = Reply::End::no_fastcgi}), "no FastCGI"));
    CHECK(has(why({}, {.end = Reply::End::whole, .status = ProtocolStatus::overloaded}),
              "overloaded"));
    CHECK(late_complaint({}) ==
          "no answer within 10 s: look what the script waits for, or raise its timeout");
}

TEST_CASE("of a long answer the beginning is shown, without half a character") {
    std::string body(199, 'x');
    body += "\u00e4\u00e4\u00e4";
    const auto text = why({.status = 201}, page("\r\n" + body));
    CHECK(has(text, "\"" + std::string(199, 'x') + "\"..."));
    CHECK(text.size() < 400);
    CHECK_FALSE(has(text, "\xc3"));
    // Bytes that are no UTF-8 end it all the same.
    CHECK(why({.status = 201}, page("\r\n" + std::string(5'000, '\x80'))).size() < 400);
}

TEST_CASE("an entry is named so that it is found again") {
    CHECK(name_of({.script = "public/index.php", .method = "POST"}, 2, "www") ==
          "reload.warmup[2] (pool www, script public/index.php, POST /index.php)");
}

TEST_CASE("only as much of a reply is kept as is looked at") {
    CHECK(most_of_reply({}) < most_of_reply({.text = "x"}));
    CHECK(most_of_reply({.text = "x"}) == 1'048'576);
}

} // namespace sluice::fpm
