#pragma once

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace sluice::net {

/// An IPv4 or IPv6 address and a port.
struct TcpEndpoint {
    int family = AF_INET6;               // AF_INET or AF_INET6
    std::array<std::uint8_t, 16> host{}; // in the network's order; IPv4: the first four, then zeros
    std::uint16_t port = 0;
    auto operator<=>(const TcpEndpoint&) const = default;
};

/// A unix socket's path in the file system.
struct PathEndpoint {
    std::string path; // absolute
    auto operator<=>(const PathEndpoint&) const = default;
};

/// What users connect to. A value.
using Endpoint = std::variant<TcpEndpoint, PathEndpoint>;

/// What sun_path takes, in bytes, beside the NUL at its end.
inline constexpr std::size_t longest_path = 107;

/// "0.0.0.0:9000", "[::]:9000", "/run/php/php-fpm.sock".
std::string to_string(const Endpoint& endpoint);

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

/// For bind and connect. A path is at most longest_path long (listen() has seen to it).
SocketAddress socket_address(const Endpoint& endpoint);

/// 0.0.0.0 or [::].
bool is_wildcard(const TcpEndpoint& endpoint);

} // namespace sluice::net
