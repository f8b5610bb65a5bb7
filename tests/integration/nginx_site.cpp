#include "nginx_site.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include "await.h"
#include "fastcgi.h"

namespace tests {

namespace {

// At limit_rate: nginx itself holds the rest back, whatever the socket buffers take.
constexpr std::size_t slow_size = 10'000;

const std::string conf = R"(user www-data;
worker_processes 1;
pid @folder@/nginx.pid;
error_log @folder@/error.log notice;
events {}
@main@
http {
    access_log off;
    client_body_temp_path @folder@/temp;
    fastcgi_temp_path @folder@/temp;
    proxy_temp_path @folder@/temp;
    scgi_temp_path @folder@/temp;
    uwsgi_temp_path @folder@/temp;
    server {
        @listen@
        default_type text/plain;
        location / { return 200 "@answer@"; }
        location = /slow { alias @folder@/slow; limit_rate 8k; limit_rate_after 1k; }
    }
    @http@
}
)";

void replace(std::string& text, const std::string& mark, const std::string& by) {
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        text.replace(at, mark.size(), by);
        at += by.size();
    }
}

} // namespace

bool HttpConnection::send(const std::string& text) {
    return ::send(connection_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
}

std::string HttpConnection::receive_until(const std::string& end) {
    std::string text;
    while (!text.ends_with(end)) {
        pollfd source{connection_.get(), POLLIN, 0};
        char byte = 0;
        const auto limit = std::chrono::milliseconds(patience).count();
        if (::poll(&source, 1, static_cast<int>(limit)) != 1) return {};
        if (::recv(connection_.get(), &byte, 1, 0) != 1) return {};
        text += byte;
    }
    return text;
}

std::string HttpConnection::head() {
    return receive_until("\r\n\r\n");
}

std::optional<std::string> HttpConnection::rest_of(const std::string& head) {
    const std::string name = "Content-Length: ";
    const auto at = head.find(name);
    if (!head.starts_with("HTTP/1.1 200 ") || at == std::string::npos) return {};
    const auto size = std::stoul(head.substr(at + name.size()));
    std::string body(size, '\0');
    const auto got = ::recv(connection_.get(), body.data(), size, MSG_WAITALL);
    if (got != static_cast<ssize_t>(size)) return {};
    return body;
}

bool HttpConnection::ends() {
    pollfd source{connection_.get(), POLLIN, 0};
    const auto limit = std::chrono::milliseconds(patience).count();
    if (::poll(&source, 1, static_cast<int>(limit)) != 1) return false;
    char byte = 0;
    return ::recv(connection_.get(), &byte, 1, 0) == 0;
}

NginxSite::NginxSite(const NginxLines& lines)
    : port_(free_port()), place_(lines.by_path ? Place(folder_.path("nginx.sock")) : Place(port_)) {
    folder_.write("slow", std::string(slow_size, 's'));
    configure(lines);
}

void NginxSite::configure(const NginxLines& lines, const std::string& answer) const {
    auto text = conf;
    replace(text, "@main@", lines.main);
    replace(text, "@listen@", lines.by_path ? "listen unix:@folder@/nginx.sock;" : lines.listen);
    replace(text, "@http@", lines.http);
    replace(text, "@answer@", answer);
    folder_.write("nginx.conf", fill_in(text));
}

std::string NginxSite::fill_in(std::string text) const {
    replace(text, "@folder@", folder_.path());
    replace(text, "@port@", std::to_string(port_));
    return text;
}

std::vector<std::string> NginxSite::command(const std::vector<std::string>& words) const {
    std::vector<std::string> command{"nginx", "-c", config(), "-e", folder_.path("error.log")};
    command.insert(command.end(), words.begin(), words.end());
    return command;
}

bool NginxSite::serves(const std::string& answer, const Place& place) {
    return eventually([&] {
        if (place.refusal() != 0) return false;
        HttpConnection connection(place);
        return connection.get("/") && connection.answer() == answer;
    });
}

HttpConnection NginxSite::in_flight(const Place& place) {
    HttpConnection connection(place);
    REQUIRE(connection.get("/slow"));
    REQUIRE(connection.head().starts_with("HTTP/1.1 200 "));
    return connection;
}

bool NginxSite::is_whole(HttpConnection& request) {
    return request.rest_of("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(slow_size)) ==
           std::string(slow_size, 's');
}

} // namespace tests
