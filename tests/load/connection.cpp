#include "tests/load/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace load {
namespace {

std::string head_of(const Target& target, const std::string& token) {
    std::string path = target.path;
    path += path.find('?') == path.npos ? '?' : '&';
    path += "token=" + token;
    return (target.post ? "POST " : "GET ") + path +
           " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: http_load\r\nConnection: close\r\n";
}

std::string post_body(const std::string& token, std::size_t bytes) {
    std::string body = token + " ";
    body.resize(std::max(bytes, body.size()), 'x');
    return body;
}

std::string request_of(const Target& target, const std::string& token, const std::string& body) {
    if (!target.post) return head_of(target, token) + "\r\n";
    return head_of(target, token) +
           "Content-Type: text/plain\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

} // namespace

Connection::Connection(const Target& target, std::uint16_t port, std::string token,
                       std::size_t body_bytes) {
    const std::string body = target.post ? post_body(token, body_bytes) : "";
    unsent_ = request_of(target, token, body);
    exchange_.expected = "ok " + token + " body=" + std::to_string(body.size()) + " ";

    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    started_ = Clock::now();
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ||
        errno == EINPROGRESS)
        return;
    connect_error_ = errno;
    if (connect_error_ == ECONNREFUSED) return;
    close(fd_);
    throw std::system_error(connect_error_, std::generic_category(), "connect");
}

Connection::~Connection() {
    close(fd_);
}

bool Connection::ready() {
    if (!exchange_.connected && !check_connected()) return true;
    if (sent_ < unsent_.size()) send_rest();
    return receive();
}

void Connection::give_up() {
    finish(exchange_.connected ? End::unanswered : End::unconnected);
}

bool Connection::finish(End end) {
    exchange_.end = end;
    exchange_.total_time = Clock::now() - started_;
    return true;
}

bool Connection::check_connected() {
    int error = connect_error_;
    socklen_t size = sizeof error;
    if (error == 0) getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
    exchange_.connect_time = Clock::now() - started_;
    if (error == 0) {
        exchange_.connected = true;
        return true;
    }
    // A reset is an answer to a connection that had been made.
    exchange_.connected = error == ECONNRESET;
    finish(error == ECONNREFUSED ? End::refused
           : exchange_.connected ? End::broken
                                 : End::unconnected);
    return false;
}

void Connection::send_rest() {
    while (sent_ < unsent_.size()) {
        const ssize_t n =
            send(fd_, unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL | MSG_DONTWAIT);
        // A failure shows in receive() as well, after what the server may have said before.
        if (n <= 0) return;
        sent_ += static_cast<std::size_t>(n);
    }
}

bool Connection::receive() {
    std::array<char, 16384> buffer;
    for (;;) {
        const ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        if (n <= 0) {
            if (n == 0) response_.end_of_stream();
            return finish(response_.complete() ? End::complete : End::broken);
        }
        response_.append({buffer.data(), static_cast<std::size_t>(n)});
        if (response_.complete()) return finish(End::complete);
    }
}

} // namespace load
