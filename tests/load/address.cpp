#include "tests/load/address.h"

#include <arpa/inet.h>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <string>
#include <sys/un.h>

namespace load {
namespace {

template <typename Sockaddr>
Address address_of(const Sockaddr& socket_address) {
    Address address;
    std::memcpy(&address.storage, &socket_address, sizeof socket_address);
    address.size = sizeof socket_address;
    return address;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
    return port;
}

std::optional<Address> parse_path(std::string_view path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) return std::nullopt;
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    return address_of(address);
}

} // namespace

std::optional<Address> parse_address(std::string_view text) {
    if (text.starts_with('/')) return parse_path(text);
    const auto colon = text.rfind(':');
    const auto port = parse_port(colon == std::string_view::npos ? text : text.substr(colon + 1));
    if (!port) return std::nullopt;
    const std::string host(colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon));
    if (host.starts_with('[') && host.ends_with(']')) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = htons(*port);
        const std::string inner = host.substr(1, host.size() - 2);
        if (inet_pton(AF_INET6, inner.c_str(), &address.sin6_addr) != 1) return std::nullopt;
        return address_of(address);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(*port);
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
    return address_of(address);
}

} // namespace load
