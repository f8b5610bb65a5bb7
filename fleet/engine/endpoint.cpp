#include "fleet/engine/endpoint.h"

#include <arpa/inet.h>

#include <array>
#include <optional>

#include "config/quote.h"
#include "config/values.h"

namespace sluice::fleet {

namespace {

bool is_address(const std::string& ip) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    return ::inet_pton(AF_INET, ip.c_str(), bytes.data()) == 1 ||
           ::inet_pton(AF_INET6, ip.c_str(), bytes.data()) == 1;
}

// "127.0.0.1:2375", "[::1]:2375".
std::optional<Endpoint> parse_tcp(std::string_view text) {
    if (text.ends_with('/')) text.remove_suffix(1);
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    auto ip = text.substr(0, colon);
    if (ip.starts_with('[') && ip.ends_with(']')) ip = ip.substr(1, ip.size() - 2);
    const auto port = config::parse_number(text.substr(colon + 1), 1, 65'535);
    Endpoint endpoint{.ip = std::string(ip)};
    if (!port || !is_address(endpoint.ip)) return {};
    endpoint.port = static_cast<std::uint16_t>(*port);
    return endpoint;
}

} // namespace

std::variant<Endpoint, std::string> parse_endpoint(std::string_view docker_host,
                                                   std::string_view tls) {
    constexpr std::string_view unix_scheme = "unix://";
    constexpr std::string_view tcp_scheme = "tcp://";
    const auto host = docker_host.empty() ? usual_endpoint : docker_host;
    const auto wrong = "DOCKER_HOST is " + config::quoted(host) + "; ";
    if (host.starts_with(unix_scheme)) {
        Endpoint endpoint{.path = std::string(host.substr(unix_scheme.size()))};
        if (!config::is_absolute_path(endpoint.path) ||
            endpoint.path.size() > config::longest_socket_path) {
            return wrong + "unix:// is followed by an absolute path of at most 107 bytes, as in " +
                   std::string(usual_endpoint);
        }
        endpoint.shown = config::shown(host);
        return endpoint;
    }
    if (!host.starts_with(tcp_scheme)) {
        return wrong + "it has to be unix:///PATH or tcp://IP:PORT; an Engine on another host can "
                       "be had with `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST` and "
                       "DOCKER_HOST=unix:///tmp/docker.sock";
    }
    if (!tls.empty()) {
        return "DOCKER_TLS_VERIFY is set, and sluice-fleet speaks no TLS; forward the Engine's "
               "socket with `ssh -L /tmp/docker.sock:/var/run/docker.sock HOST` instead, and set "
               "DOCKER_HOST=unix:///tmp/docker.sock";
    }
    auto endpoint = parse_tcp(host.substr(tcp_scheme.size()));
    if (!endpoint) {
        return wrong + "tcp:// is followed by an IP address and a port, as in tcp://127.0.0.1:2375 "
                       "or tcp://[::1]:2375; names are not looked up";
    }
    endpoint->shown = config::shown(host);
    return *std::move(endpoint);
}

} // namespace sluice::fleet
