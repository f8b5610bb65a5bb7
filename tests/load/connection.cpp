#include "tests/load/connection.h"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace load {
namespace {

/// What the service has brought about; all else is the machine's fault.
bool is_answer(int connect_error) {
    return connect_error == EINPROGRESS || connect_error == ECONNREFUSED ||
           connect_error == ENOENT || connect_error == EAGAIN || connect_error == ECONNRESET;
}

End end_of_connect(int error) {
    switch (error) {
    case ECONNREFUSED:
    case ENOENT: return End::refused;
    case EAGAIN: return End::busy;
    // A reset is an answer to a connection that had been made.
    case ECONNRESET: return End::broken;
    default: return End::unconnected;
    }
}

} // namespace

Connection::Connection(const Address& address, Protocol protocol)
    : protocol_(protocol), response_(protocol) {
    fd_ = socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "socket");
    started_ = Clock::now();
    if (connect(fd_, address.get(), address.size) == 0) return;
    if (!is_answer(errno)) {
        const int error = errno;
        close(fd_);
        throw std::system_error(error, std::generic_category(), "connect");
    }
    if (errno != EINPROGRESS) connect_error_ = errno;
}

Connection::~Connection() {
    close(fd_);
}

void Connection::begin(Request request, bool after, std::uint64_t newest) {
    unsent_ = std::move(request.bytes);
    sent_ = 0;
    response_ = Response(protocol_);
    if (requests_ > 0) started_ = Clock::now();
    exchange_ = {.expected = std::move(request.expected),
                 .begun = started_,
                 .target = request.target,
                 .newest = newest,
                 .post = request.post,
                 .after = after};
    if (requests_++ == 0) return;
    exchange_.reused = true;
    exchange_.connected = true;
    send_rest();
}

bool Connection::ready() {
    if (!exchange_.connected && !check_connected()) return true;
    if (sent_ < unsent_.size()) send_rest();
    return receive();
}

void Connection::give_up() {
    finish(exchange_.connected ? End::unanswered : End::unconnected);
}

bool Connection::is_open() const {
    char byte = 0;
    return !response_.has_strays() && recv(fd_, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
           errno == EAGAIN;
}

bool Connection::finish(End end) {
    exchange_.end = end;
    exchange_.total_time = Clock::now() - started_;
    if (!exchange_.connected) exchange_.connect_time = exchange_.total_time;
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
    exchange_.error = error;
    exchange_.connected = error == ECONNRESET;
    finish(end_of_connect(error));
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
            if (n < 0) exchange_.error = errno;
            if (n == 0) response_.end_of_stream();
            return finish(response_.complete() ? End::complete : End::broken);
        }
        response_.append({buffer.data(), static_cast<std::size_t>(n)});
        if (response_.complete()) return finish(End::complete);
    }
}

} // namespace load
