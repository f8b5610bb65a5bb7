#include "init/control/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "init/control/address.h"

namespace sluice::control {

namespace {

constexpr timeval longest_connect{.tv_sec = 5, .tv_usec = 0};
constexpr std::size_t longest_line = std::size_t{16} * 1'024 * 1'024;

// Anybody can take an abstract name. Root, our own user, and whatever PID 1 runs as can be sluice;
// nobody of another PID namespace, who shows as pid 0, can be ours. (A path says it by its folder.)
bool may_be_sluice(const os::Descriptor& socket) {
    ucred holder{};
    socklen_t size = sizeof holder;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) != 0) return false;
    const bool trusted = holder.uid == 0 || holder.uid == ::geteuid() || holder.pid == 1;
    return holder.pid != 0 && trusted;
}

// For poll: -1 waits for ever. A part of a millisecond counts as one, or it would spin.
int milliseconds_until(const std::optional<Connection::Time>& until) {
    if (!until) return -1;
    const auto left = *until - std::chrono::steady_clock::now();
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<std::int64_t>(count, 0, 60'000));
}

} // namespace

std::variant<Connection, int> Connection::open(const std::string& address) {
    const auto made = unix_address(address);
    if (!made) return EINVAL;
    os::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!socket) return errno;
    // Where the queue is full connect waits, and this bounds it.
    ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &longest_connect, sizeof longest_connect);
    const auto* const plain = reinterpret_cast<const sockaddr*>(&made->storage);
    if (::connect(socket.get(), plain, made->size) != 0) return errno;
    if (address.starts_with('@') && !may_be_sluice(socket)) return EPERM;
    return Connection(std::move(socket));
}

bool Connection::send(const std::string& line) const {
    const auto sent = ::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL);
    return sent == static_cast<ssize_t>(line.size());
}

Connection::Got Connection::read_line(const std::optional<Time>& until, std::string& line) {
    std::array<char, 16'384> buffer{};
    std::size_t searched = 0;
    for (;;) {
        if (const auto end = received_.find('\n', searched); end != std::string::npos) {
            line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return Got::line;
        }
        searched = received_.size();
        pollfd source{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        const int ready = ::poll(&source, 1, milliseconds_until(until));
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0 || searched > longest_line) return Got::end;
        if (ready == 0) return Got::nothing_yet;
        const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (size <= 0) return Got::end;
        received_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

} // namespace sluice::control
