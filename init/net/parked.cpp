#include "init/net/parked.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "init/net/selector.h"
#include "init/net/socket.h"

namespace sluice::net {

namespace {

constexpr int only_ours = 255; // the TTL that none but our own connection has

int take_only_ours(const Listener& listener, int family) {
    const int error = set_option(listener.descriptor(), IPPROTO_IP, IP_MINTTL, only_ours);
    if (error != 0 || family == AF_INET) return error;
    return set_option(listener.descriptor(), IPPROTO_IPV6, IPV6_MINHOPCOUNT, only_ours);
}

TcpEndpoint loopback(int family, std::uint16_t port) {
    TcpEndpoint endpoint{.family = family, .port = port};
    if (family == AF_INET) {
        endpoint.host = {127, 0, 0, 1};
    } else {
        endpoint.host.back() = 1;
    }
    return endpoint;
}

// Over the loopback the handshake is done within connect(2): the limit is for a machine that is
// too busy even for that.
int connect_with_our_ttl(const os::Descriptor& socket, const TcpEndpoint& to) {
    constexpr int limit_ms = 100;
    const int error = to.family == AF_INET
                          ? set_option(socket.get(), IPPROTO_IP, IP_TTL, only_ours)
                          : set_option(socket.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, only_ours);
    if (error != 0) return error;
    const int connecting = connect_to(socket, to);
    if (connecting != EINPROGRESS) return connecting;
    pollfd connected{.fd = socket.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&connected, 1, limit_ms) != 1) return ETIMEDOUT;
    int result = 0;
    socklen_t size = sizeof result;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

// Reset, it stays in the accept queue of the listener, which nobody empties, but is no connection
// any more that could be taken for a user's (SOCK_DIAG lists it as closed).
int reset(os::Descriptor connection) {
    constexpr linger at_once{.l_onoff = 1, .l_linger = 0};
    const bool set =
        ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) == 0;
    return set ? 0 : errno;
}

// Puts a connection into the queue, which is full then. 0, or errno.
int fill(const TcpEndpoint& endpoint) {
    const auto to = is_wildcard(endpoint) ? loopback(endpoint.family, endpoint.port) : endpoint;
    auto socket = stream_socket(to, SOCK_NONBLOCK);
    const int error = socket ? connect_with_our_ttl(socket, to) : errno;
    if (error == 0) return reset(std::move(socket));
    // A dual-stack [::] in a container whose IPv6 is switched off has only 127.0.0.1.
    if (to.family == AF_INET6 && is_wildcard(endpoint)) {
        const auto ipv4 = loopback(AF_INET, endpoint.port);
        auto other = stream_socket(ipv4, SOCK_NONBLOCK);
        if (other && connect_with_our_ttl(other, ipv4) == 0) return reset(std::move(other));
    }
    return error;
}

} // namespace

std::variant<Parked, Refused> Parked::park(const Listener& member, unsigned index,
                                           unsigned index_before) {
    const auto* const endpoint = std::get_if<TcpEndpoint>(&member.endpoint());
    if (endpoint == nullptr) return cannot_listen(member.endpoint(), EOPNOTSUPP);
    // Without a program the kernel would share connections out as soon as the second one listens.
    if (const int error = select_member(member, index_before)) {
        return cannot_select(*endpoint, error);
    }
    auto joined = join({.endpoint = *endpoint, .backlog = 0});
    if (auto* const refused = std::get_if<Refused>(&joined)) return std::move(*refused);
    auto& parked = std::get<Listener>(joined);
    int error = take_only_ours(parked, endpoint->family);
    if (error == 0) error = select_member(member, index);
    if (error != 0) return cannot_listen(*endpoint, error);

    if (const int failed = fill(*endpoint)) {
        select_member(member, index_before);
        return cannot_listen(*endpoint, failed);
    }
    return Parked(std::move(parked));
}

} // namespace sluice::net
