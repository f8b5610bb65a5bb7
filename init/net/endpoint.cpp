#include "init/net/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sluice::net {

namespace {

SocketAddress address_of(const TcpEndpoint& endpoint) {
    SocketAddress address;
    if (endpoint.family == AF_INET) {
        sockaddr_in inet{};
        inet.sin_family = AF_INET;
        inet.sin_port = htons(endpoint.port);
        std::memcpy(&inet.sin_addr, endpoint.host.data(), sizeof inet.sin_addr);
        std::memcpy(&address.storage, &inet, sizeof inet);
        address.size = sizeof inet;
    } else {
        sockaddr_in6 inet{};
        inet.sin6_family = AF_INET6;
        inet.sin6_port = htons(endpoint.port);
        std::memcpy(&inet.sin6_addr, endpoint.host.data(), sizeof inet.sin6_addr);
        std::memcpy(&address.storage, &inet, sizeof inet);
        address.size = sizeof inet;
    }
    return address;
}

SocketAddress address_of(const PathEndpoint& endpoint) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    const auto length = std::min(endpoint.path.size(), longest_path);
    std::memcpy(static_cast<char*>(name.sun_path), endpoint.path.data(), length);
    SocketAddress address;
    std::memcpy(&address.storage, &name, sizeof name);
    address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length + 1);
    return address;
}

std::string text_of(const TcpEndpoint& endpoint) {
    std::array<char, INET6_ADDRSTRLEN> host{};
    ::inet_ntop(endpoint.family, endpoint.host.data(), host.data(), host.size());
    const std::string text = host.data();
    const auto port = std::to_string(endpoint.port);
    return endpoint.family == AF_INET ? text + ":" + port : "[" + text + "]:" + port;
}

std::string text_of(const PathEndpoint& endpoint) {
    return endpoint.path;
}

} // namespace

std::string to_string(const Endpoint& endpoint) {
    return std::visit([](const auto& kind) { return text_of(kind); }, endpoint);
}

SocketAddress socket_address(const Endpoint& endpoint) {
    return std::visit([](const auto& kind) { return address_of(kind); }, endpoint);
}

bool is_wildcard(const TcpEndpoint& endpoint) {
    return std::ranges::all_of(endpoint.host, [](auto byte) { return byte == 0; });
}

} // namespace sluice::net
