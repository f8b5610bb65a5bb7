#include "init/net/way_in.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>

#include "init/net/selector.h"
#include "init/net/socket.h"

namespace sluice::net {

namespace {

TcpEndpoint loopback(int family, std::uint16_t port) {
    TcpEndpoint endpoint{.family = family, .port = port};
    if (family == AF_INET) {
        endpoint.host = {127, 0, 0, 1};
    } else {
        endpoint.host.back() = 1;
    }
    return endpoint;
}

// An IPv6 socket that is bound to ::ffff:127.0.0.1 is reached by IPv4 packets.
TcpEndpoint as_in_packets(const TcpEndpoint& endpoint) {
    constexpr std::array<std::uint8_t, 12> mark{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped =
        endpoint.family == AF_INET6 && std::equal(mark.begin(), mark.end(), endpoint.host.begin());
    if (!mapped) return endpoint;
    TcpEndpoint plain{.family = AF_INET, .port = endpoint.port};
    std::copy(endpoint.host.begin() + mark.size(), endpoint.host.end(), plain.host.begin());
    return plain;
}

// Where a connection of our own goes to, and its source address as well.
TcpEndpoint own_end(const TcpEndpoint& endpoint, bool v6only) {
    if (!is_wildcard(endpoint)) return as_in_packets(endpoint);
    const bool by_ipv6 = endpoint.family == AF_INET6 && v6only;
    return loopback(by_ipv6 ? AF_INET6 : AF_INET, endpoint.port);
}

std::optional<bool> takes_ipv6_only(int listener) {
    int only = 0;
    socklen_t size = sizeof only;
    if (::getsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) != 0) return {};
    return only != 0;
}

std::uint16_t port_of(const os::Descriptor& socket) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    auto* const plain = reinterpret_cast<sockaddr*>(&bound);
    if (::getsockname(socket.get(), plain, &size) != 0) return 0;
    sockaddr_in6 inet{}; // the port is at the same place for IPv4
    static_assert(offsetof(sockaddr_in6, sin6_port) == offsetof(sockaddr_in, sin_port));
    std::memcpy(&inet, &bound, sizeof inet);
    return ntohs(inet.sin6_port);
}

// A port that nobody has at this moment; 0, with errno set: none.
std::uint16_t free_port(TcpEndpoint at) {
    at.port = 0;
    const auto probe = stream_socket(at);
    if (!probe) return 0;
    if (const int error = bind_to(probe, at)) {
        errno = error;
        return 0;
    }
    return port_of(probe);
}

// Bound to a port by its number. Bound to "any" the kernel would take the port back as soon as the
// connection is reset, and give it to the next user who connects, while the selector still names
// it.
std::variant<os::Descriptor, int> bound_socket(TcpEndpoint at) {
    // Somebody may take the port between the look and the bind, but hardly this often.
    constexpr int attempts = 10;
    auto socket = stream_socket(at, SOCK_NONBLOCK);
    if (!socket) return errno;
    int error = EADDRINUSE;
    for (int i = 0; i < attempts && error == EADDRINUSE; ++i) {
        at.port = free_port(at);
        error = at.port == 0 ? errno : bind_to(socket, at);
    }
    if (error != 0) return error;
    return socket;
}

} // namespace

OwnConnection& OwnConnection::operator=(OwnConnection&& other) noexcept {
    if (this == &other) return *this;
    end();
    steering_ = std::move(other.steering_);
    socket_ = std::move(other.socket_);
    port_ = other.port_;
    return *this;
}

OwnConnection::~OwnConnection() {
    end();
}

void OwnConnection::end() noexcept {
    if (!socket_) return;
    auto socket = std::exchange(socket_, {});
    if (port_ == 0) return;
    if (const auto steering = steering_.lock()) steering->end(port_, std::move(socket));
}

std::variant<OwnConnection, int> WayIn::connect() const {
    const auto steering = steering_.lock();
    if (!steering) return ESHUTDOWN;
    return steering->connect();
}

std::shared_ptr<Steering> Steering::make(int member, const Endpoint& to) {
    auto at = to;
    if (auto* const tcp = std::get_if<TcpEndpoint>(&at)) {
        const auto v6only = tcp->family == AF_INET6 ? takes_ipv6_only(member) : false;
        if (!v6only) return {};
        *tcp = own_end(*tcp, *v6only);
    }
    std::shared_ptr<Steering> made(new Steering(member, std::move(at)));
    made->ports_.reserve(most_own);
    made->kept_.reserve(most_own); // what is kept was in ports_, and no port comes in meanwhile
    return made;
}

int Steering::select() const {
    return select_for(member_, std::get<TcpEndpoint>(to_), ports_);
}

int Steering::steer(std::uint16_t port) {
    ports_.push_back(port);
    const int error = select();
    if (error != 0) ports_.pop_back();
    return error;
}

std::variant<OwnConnection, int> Steering::connect() {
    if (std::holds_alternative<PathEndpoint>(to_)) {
        auto socket = stream_socket(to_, SOCK_NONBLOCK);
        const int error = socket ? connect_to(socket, to_) : errno;
        if (error != 0) return error;
        return OwnConnection(weak_from_this(), std::move(socket), 0);
    }
    if (ports_.size() >= most_own) return EAGAIN;
    auto bound = bound_socket(std::get<TcpEndpoint>(to_));
    if (const int* const error = std::get_if<int>(&bound)) return *error;
    auto& socket = std::get<os::Descriptor>(bound);
    const auto port = port_of(socket);
    if (const int error = steer(port)) return error;
    OwnConnection made(weak_from_this(), std::move(socket), port);
    const int error = connect_to(made.socket_, to_);
    if (error != 0 && error != EINPROGRESS) return error;
    return made;
}

void Steering::end(std::uint16_t port, os::Descriptor socket) noexcept {
    kept_.push_back(std::move(socket));
    std::erase(ports_, port);
    // As long as the kernel goes on sending this port to next() nobody else may have it.
    if (select() == 0) kept_.clear();
}

std::vector<std::string> own_addresses(const Endpoint& endpoint) {
    const auto* const tcp = std::get_if<TcpEndpoint>(&endpoint);
    if (tcp == nullptr) return {};
    const auto text = [tcp](bool v6only) {
        const auto end = own_end(*tcp, v6only);
        std::array<char, INET6_ADDRSTRLEN> host{};
        ::inet_ntop(end.family, end.host.data(), host.data(), host.size());
        return std::string(host.data());
    };
    if (tcp->family == AF_INET6 && is_wildcard(*tcp)) return {text(false), text(true)};
    return {text(false)};
}

} // namespace sluice::net
