#include "init/fpm/listen_address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "init/net/hosts.h"

namespace sluice::fpm {

namespace {

using Interpreted = std::variant<Target, std::string>;

constexpr std::string_view digits = "0123456789";
// One less than sun_path has: FPM would take a path that leaves no room for the NUL and bind it.
constexpr std::size_t longest_path = sizeof(sockaddr_un::sun_path) - 1;

// FPM's key is the address as inet_ntop writes it, without brackets, and the port.
Target target_of(net::TcpEndpoint endpoint, std::uint16_t port) {
    char text[INET6_ADDRSTRLEN] = {};
    inet_ntop(endpoint.family, endpoint.host.data(), text, sizeof text);
    endpoint.port = port;
    return {std::string(text) + ":" + std::to_string(port), endpoint};
}

// FPM takes the first of getaddrinfo's list, which is sorted by reachability. Only for the two
// loopback addresses, as "localhost" has them in most images, is that known beforehand.
std::variant<net::TcpEndpoint, std::string>
address_of_name(const std::string& name, const std::string& etc_hosts, Ipv6 ipv6) {
    if (name == "*")
        return "\"*\" is not every address to PHP-FPM, only the loopback ones; write "
               "the port alone, or 0.0.0.0 and the port";
    const auto addresses = net::addresses_in_hosts(name, etc_hosts);
    if (addresses.empty())
        return "the host \"" + name +
               "\" is neither an address nor in /etc/hosts; write its "
               "address, or 0.0.0.0";
    if (addresses.size() == 1) return addresses.front();
    const auto v4 = *net::address_of("127.0.0.1");
    const auto v6 = *net::address_of("::1");
    const bool loopback = addresses.size() == 2 && std::ranges::count(addresses, v4) == 1 &&
                          std::ranges::count(addresses, v6) == 1;
    if (!loopback)
        return "the host \"" + name +
               "\" has several addresses in /etc/hosts; write the one that "
               "is meant";
    return ipv6.loopback ? v6 : v4;
}

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, port);
    if (error != std::errc{} || end != last || port == 0) return {};
    return port;
}

std::string without_brackets(const std::string& host) {
    const bool bracketed = host.size() > 1 && host.front() == '[' && host.back() == ']';
    return bracketed ? host.substr(1, host.size() - 2) : host;
}

Interpreted interpret_path(const std::string& path) {
    if (!path.starts_with('/'))
        return "\"" + path + "\" is neither a port, an address and a port, nor an absolute path";
    if (path.size() > longest_path)
        return "the path is longer than the " + std::to_string(longest_path) +
               " bytes that a socket's may have";
    // They separate FPM_SOCKETS' entries and their parts.
    if (path.find_first_of(",=") != std::string::npos)
        return R"(the path has a "," or "=", with which PHP-FPM cannot take it over; rename it)";
    return Target{path, net::PathEndpoint{path}};
}

} // namespace

// As FPM decides it (fpm_sockets_domain_from_address): anything with a colon is a host and a port,
// digits alone are a port, the rest is a path.
Interpreted interpret_listen(const std::string& listen, const std::string& etc_hosts, Ipv6 ipv6) {
    if (listen.empty()) return "there is no address";
    if (listen.find('\0') != std::string::npos) return "the address has a NUL byte";
    const auto colon = listen.rfind(':');
    const bool only_port = listen.find_first_not_of(digits) == std::string::npos;
    if (colon == std::string::npos && !only_port) return interpret_path(listen);

    const auto port_text = only_port ? listen : listen.substr(colon + 1);
    const auto port = port_of(port_text);
    if (!port) return "\"" + port_text + "\" is not a port; there are 1 to 65535";
    if (only_port) return target_of(*net::address_of(ipv6.any ? "::" : "0.0.0.0"), *port);

    const auto host = without_brackets(listen.substr(0, colon));
    if (host.empty()) return "there is no host before the colon; write the port alone";
    if (const auto address = net::address_of(host)) return target_of(*address, *port);
    const auto address = address_of_name(host, etc_hosts, ipv6);
    if (const auto* const reason = std::get_if<std::string>(&address)) return *reason;
    return target_of(std::get<net::TcpEndpoint>(address), *port);
}

} // namespace sluice::fpm
