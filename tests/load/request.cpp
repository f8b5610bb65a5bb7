#include "tests/load/request.h"

#include "tests/load/fastcgi.h"

#include <algorithm>

namespace load {
namespace {

std::string post_body(const std::string& token, std::size_t bytes) {
    std::string body = token + " ";
    body.resize(std::max(bytes, body.size()), 'x');
    return body;
}

std::string http_bytes(const Target& target, const std::string& query, const std::string& body) {
    const std::string path = target.path.substr(0, target.path.find('?'));
    const std::string head =
        (target.post ? "POST " : "GET ") + path + "?" + query +
        " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: http_load\r\nConnection: close\r\n";
    if (!target.post) return head + "\r\n";
    return head + "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

std::string fastcgi_bytes(const Options& options, const Target& target, const std::string& query,
                          const std::string& body) {
    const std::string path = target.path.substr(0, target.path.find('?'));
    fastcgi::Params params{{"SCRIPT_FILENAME", options.root + path},
                           {"SCRIPT_NAME", path},
                           {"REQUEST_URI", path + "?" + query},
                           {"QUERY_STRING", query},
                           {"REQUEST_METHOD", target.post ? "POST" : "GET"},
                           {"SERVER_PROTOCOL", "HTTP/1.1"}};
    if (target.post) {
        params.emplace_back("CONTENT_TYPE", "text/plain");
        params.emplace_back("CONTENT_LENGTH", std::to_string(body.size()));
    }
    return fastcgi::request(params, body, options.keep_alive > 1);
}

} // namespace

Request make_request(const Options& options, std::size_t number, const std::string& token) {
    const Target& target = options.targets[number];
    const std::string body = target.post ? post_body(token, options.body_bytes) : "";
    const auto mark = target.path.find('?');
    std::string query = mark == std::string::npos ? "" : target.path.substr(mark + 1) + "&";
    query += "token=" + token;
    return {target.post, number,
            options.protocol == Protocol::fastcgi ? fastcgi_bytes(options, target, query, body)
                                                  : http_bytes(target, query, body),
            "ok " + token + " body=" + std::to_string(body.size()) + " "};
}

} // namespace load
