#pragma once

#include <optional>
#include <string_view>
#include <sys/socket.h>

namespace load {

/// Where a service listens.
struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    int family() const { return storage.ss_family; }

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// Reads "9000" (on 127.0.0.1), "10.0.0.1:9000", "[::1]:9000" or the path of a unix socket, which
/// starts with '/'. Nothing for all else: names are not looked up.
std::optional<Address> parse_address(std::string_view text);

} // namespace load
