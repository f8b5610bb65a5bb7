#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "init/net/endpoint.h"

namespace sluice::net {

// Names and addresses as text. Pure: sluice is static and asks no resolver.

/// An address as inet_pton takes it, without a port. What getaddrinfo would take besides ("127.1",
/// "fe80::1%eth0") is seldom meant.
std::optional<TcpEndpoint> address_of(const std::string& text);

/// The addresses that a name has in the text of /etc/hosts: each once, in its order, without a
/// port. Upper and lower case are the same.
std::vector<TcpEndpoint> addresses_in_hosts(std::string_view name, std::string_view hosts);

} // namespace sluice::net
