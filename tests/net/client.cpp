#include "client.h"

#include <doctest/doctest.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

namespace tests {

namespace net = sluice::net;
using sluice::os::Descriptor;

namespace {

int start_connect(const Descriptor& socket, const net::Endpoint& endpoint) {
    const auto address = net::socket_address(endpoint);
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address.storage);
    return ::connect(socket.get(), plain, address.size) == 0 ? 0 : errno;
}

int result_of(const Descriptor& socket) {
    constexpr int limit_ms = 333;
    pollfd done{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&done, 1, limit_ms) != 1) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

} // namespace

Client connect_to(const net::Endpoint& endpoint) {
    const auto* const tcp = std::get_if<net::TcpEndpoint>(&endpoint);
    const int family = tcp != nullptr ? tcp->family : AF_UNIX;
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    int error = start_connect(socket, endpoint);
    if (error == EINPROGRESS) error = result_of(socket);
    switch (error) {
    case 0: return {Met::connected, std::move(socket)};
    case ECONNREFUSED: return {Met::refused, {}};
    case ENOENT: return {Met::absent, {}};
    default: return {Met::silence, std::move(socket)};
    }
}

std::vector<Client> connect_many(const net::Endpoint& endpoint, int count) {
    std::vector<Client> clients;
    for (int i = 0; i < count; ++i) {
        clients.push_back(connect_to(endpoint));
        REQUIRE(clients.back().met == Met::connected);
    }
    return clients;
}

Descriptor accept_from(const net::Listener& listener) {
    if (listener.queue_empty()) return {};
    return Descriptor(::accept4(listener.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
}

int accept_all(const net::Listener& listener) {
    int accepted = 0;
    while (accept_from(listener)) ++accepted;
    return accepted;
}

bool send_text(const Descriptor& socket, const std::string& text) {
    return ::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
}

net::TcpEndpoint loopback(int family, std::uint16_t port) {
    net::TcpEndpoint endpoint{.family = family, .port = port};
    if (family == AF_INET) {
        endpoint.host = {127, 0, 0, 1};
    } else {
        endpoint.host[15] = 1;
    }
    return endpoint;
}

net::TcpEndpoint free_endpoint(int family, bool wildcard) {
    const Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = net::socket_address(net::TcpEndpoint{.family = AF_INET6});
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.size) == 0);
    sockaddr_in6 bound{};
    socklen_t size = sizeof bound;
    REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    const auto port = ntohs(bound.sin6_port);
    return wildcard ? net::TcpEndpoint{.family = family, .port = port} : loopback(family, port);
}

net::TcpEndpoint free_endpoint() {
    return free_endpoint(AF_INET, false);
}

namespace {

net::Listener or_fail(std::variant<net::Listener, net::Refused> made) {
    if (const auto* const refused = std::get_if<net::Refused>(&made)) FAIL(refused->why);
    return std::get<net::Listener>(std::move(made));
}

} // namespace

net::Listener listening(const net::Wanted& wanted) {
    return or_fail(net::listen(wanted));
}

net::Listener joining(const net::Wanted& wanted) {
    return or_fail(net::join(wanted));
}

int in_child(int (*steps)(), bool as_nobody) {
    constexpr uid_t nobody = 33;
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool dropped = !as_nobody || (::setgroups(0, nullptr) == 0 &&
                                            ::setresgid(nobody, nobody, nobody) == 0 &&
                                            ::setresuid(nobody, nobody, nobody) == 0 &&
                                            ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
        ::_exit(dropped ? steps() : 99);
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace tests
