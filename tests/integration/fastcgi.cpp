#include "fastcgi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <stdexcept>

namespace tests {

namespace {

constexpr int answer_limit_ms = 60'000;

enum Type : unsigned char { begin_request = 1, end_request = 3, params = 4, in = 5, out = 6 };

sockaddr_in local(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = ::htons(static_cast<in_port_t>(port));
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    return address;
}

std::string record(Type type, const std::string& content) {
    const auto byte = [](std::size_t value) { return static_cast<char>(value & 0xff); };
    return std::string{1,
                       static_cast<char>(type),
                       0,
                       1, // version, type, request id 1
                       byte(content.size() >> 8),
                       byte(content.size()),
                       0,
                       0} +
           content;
}

std::string pair(const std::string& name, const std::string& value) {
    if (name.size() > 127 || value.size() > 127) throw std::length_error("parameter: " + name);
    return std::string{static_cast<char>(name.size()), static_cast<char>(value.size())} + name +
           value;
}

bool send_all(int fd, const std::string& text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

// Exactly `size` bytes; nothing if the connection ends before.
std::optional<std::string> receive(int fd, std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t at = 0; at < size;) {
        pollfd source{fd, POLLIN, 0};
        if (::poll(&source, 1, answer_limit_ms) <= 0) return {};
        const auto got = ::recv(fd, text.data() + at, size - at, 0);
        if (got <= 0) return {};
        at += static_cast<std::size_t>(got);
    }
    return text;
}

std::string after_headers(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    return end == std::string::npos ? std::string() : text.substr(end + 4);
}

} // namespace

int free_port() {
    // Below the range that connect() takes its own ports from, or one of ours could be taken.
    static int next = 20'000 + ::getpid() % 10'000;
    for (int tries = 0; tries < 10'000; ++tries) {
        next = next >= 31'000 ? 20'000 : next + 1;
        const Descriptor probe(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto address = local(next);
        if (::bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
            return next;
        }
    }
    throw std::runtime_error("no free port");
}

bool KeptConnection::ask(const std::string& script, const std::string& query,
                         const std::string& name) {
    return ask(script, query, name, After::keep);
}

bool KeptConnection::ask(const std::string& script, const std::string& query,
                         const std::string& name, After after) {
    if (!open()) return false;
    const std::string responder{0, 1, after == After::keep ? '\1' : '\0', 0, 0, 0, 0, 0};
    return send_all(
        connection_.get(),
        record(begin_request, responder) +
            record(params, pair("SCRIPT_FILENAME", script) + pair("QUERY_STRING", query) +
                               pair("REQUEST_METHOD", "GET") + pair("SCRIPT_NAME", name) +
                               pair("REQUEST_URI", name + "?" + query)) +
            record(params, "") + record(in, ""));
}

std::optional<std::string> KeptConnection::answer() const {
    std::string text;
    while (open()) {
        const auto header = receive(connection_.get(), 8);
        if (!header) return {};
        const auto byte = [&](std::size_t at) { return static_cast<unsigned char>((*header)[at]); };
        const auto content =
            receive(connection_.get(), std::size_t{byte(4)} * 256 + byte(5) + byte(6));
        if (!content) return {};
        if (byte(1) == out) text += content->substr(0, content->size() - byte(6));
        if (byte(1) == end_request) return after_headers(text);
    }
    return {};
}

bool KeptConnection::ends() const {
    pollfd source{connection_.get(), POLLIN, 0};
    if (::poll(&source, 1, answer_limit_ms) != 1) return false;
    char byte = 0;
    return ::recv(connection_.get(), &byte, 1, 0) == 0;
}

FastcgiRequest::FastcgiRequest(const Place& place, const std::string& script,
                               const std::string& query, const std::string& name)
    : KeptConnection(place), sent_(ask(script, query, name, After::close)) {}

std::optional<std::string> FastcgiRequest::answer() {
    auto text = sent_ ? KeptConnection::answer() : std::nullopt;
    // Closed at once, as a web server does: FPM's worker waits for that before it goes on.
    close();
    return text;
}

HttpRequest::HttpRequest(int port, const std::string& target) : connection_(Place(port).connect()) {
    if (connection_.get() >= 0) {
        send_all(connection_.get(), "GET " + target + " HTTP/1.0\r\nHost: localhost\r\n\r\n");
    }
}

std::optional<std::string> HttpRequest::answer() {
    if (connection_.get() < 0) return {};
    std::string text;
    while (const auto byte = receive(connection_.get(), 1)) text += *byte;
    if (text.find(" 200 ") != 8) return {};
    return after_headers(text);
}

} // namespace tests
