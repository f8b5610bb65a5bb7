#include "init/nginx/sockets.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "init/net/hosts.h"

namespace sluice::nginx {

namespace {

constexpr int usual_backlog = 511;          // NGX_LISTEN_BACKLOG
constexpr std::size_t most_sockets = 1'024; // a range of ports is soon longer

// What one `listen`, or several for the same address, ask for.
struct Socket {
    net::Endpoint endpoint;
    std::string text;       // the address as it is written
    bool datagrams = false; // UDP: another name space than the rest
    int backlog = usual_backlog;
    bool v6only = true;
    bool own_bind = false; // also where the wildcard has the port
    std::string why_not;   // sluice cannot own it
};

std::optional<int> number_in(std::string_view text) {
    int number = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last || text.empty()) return {};
    return number;
}

class Planner {
  public:
    Planner(const Configuration& configuration, const Machine& machine)
        : configuration_(configuration), machine_(machine) {}

    Sockets plan() {
        for (const auto& listen : configuration_.listens) add(listen);
        if (configuration_.bare_server) add({machine_.root ? "*:80" : "*:8000", {}});
        if (sockets_.size() > most_sockets) {
            planned_.all = false;
            planned_.notices = {"nginx listens on more than " + std::to_string(most_sockets) +
                                " ports: its sockets are left to it, and what waits in their "
                                "accept queues at a stop is lost"};
            return std::move(planned_);
        }
        for (const auto& socket : sockets_) take(socket);
        return std::move(planned_);
    }

  private:
    void leave_to_nginx(const std::string& listen, const std::string& why) {
        planned_.all = false;
        planned_.notices.push_back("listen " + listen + " is left to nginx, because " + why +
                                   ": what waits in its accept queue at a stop is lost");
    }

    // --- what is written ------------------------------------------------------------------------

    void add(const Listen& listen) {
        constexpr std::string_view unix_prefix = "unix:";
        const auto& address = listen.address;
        if (address.starts_with(unix_prefix)) {
            const auto path = address.substr(unix_prefix.size());
            if (!path.starts_with('/') || path.size() > net::longest_path) {
                leave_to_nginx(address, "its path is not an absolute one of at most " +
                                            std::to_string(net::longest_path) + " bytes");
                return;
            }
            merge(with_options({.endpoint = net::PathEndpoint{path}, .text = address}, listen));
            return;
        }
        const auto end_of_host = address.starts_with('[') ? address.find(']') : 0;
        if (end_of_host == std::string::npos) return leave_to_nginx(address, "it is no address");
        const auto colon = address.find(':', end_of_host);
        auto host = address.substr(0, colon);
        std::string ports = colon == std::string::npos ? "80" : address.substr(colon + 1);
        if (colon == std::string::npos && are_ports(address)) {
            host = "*";
            ports = address;
        }
        add_ports(listen, host, ports);
    }

    static bool are_ports(const std::string& text) {
        return !text.empty() && text.find_first_not_of("0123456789-") == std::string::npos;
    }

    // "80", or a range: "8000-8010".
    void add_ports(const Listen& listen, const std::string& host, const std::string& ports) {
        const auto dash = ports.find('-');
        const auto first = number_in(std::string_view(ports).substr(0, dash));
        const auto last =
            dash == std::string::npos ? first : number_in(std::string_view(ports).substr(dash + 1));
        if (!first || !last || *first < 1 || *last > 65'535 || *first > *last) {
            return leave_to_nginx(listen.address, "it has no port from 1 to 65535");
        }
        const auto addresses = addresses_of(listen, host);
        for (auto address : addresses) {
            for (int port = *first; port <= *last; ++port) {
                if (sockets_.size() > most_sockets) return;
                address.port = static_cast<std::uint16_t>(port);
                merge(with_options({.endpoint = address, .text = listen.address}, listen));
            }
        }
    }

    std::vector<net::TcpEndpoint> addresses_of(const Listen& listen, const std::string& host) {
        if (host == "*") return {*net::address_of("0.0.0.0")};
        const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
        if (const auto address =
                net::address_of(bracketed ? host.substr(1, host.size() - 2) : host)) {
            return {*address};
        }
        // nginx asks the C library, and takes IPv6 addresses only where that finds the container
        // to have another one: whether it does cannot be told from here.
        auto found = net::addresses_in_hosts(host, machine_.hosts);
        if (found.empty()) {
            leave_to_nginx(listen.address, "its host is neither an address nor in /etc/hosts");
        } else if (found.size() > 1) {
            const auto removed = std::erase_if(
                found, [](const auto& address) { return address.family == AF_INET6; });
            if (removed > 0) {
                leave_to_nginx(listen.address + " (IPv6)",
                               "nginx may or may not take its host's IPv6 address; write it as a "
                               "listen of its own");
            }
        }
        return found;
    }

    static Socket with_options(Socket socket, const Listen& listen) {
        for (const std::string_view option : listen.options) {
            constexpr std::string_view backlog = "backlog=";
            // With any of these nginx makes a socket of its own beside a wildcard.
            for (const std::string_view of_socket :
                 {"backlog=", "rcvbuf=", "sndbuf=", "fastopen=", "setfib=", "accept_filter=",
                  "ipv6only=", "so_keepalive=", "deferred", "reuseport", "bind"}) {
                if (option.starts_with(of_socket)) socket.own_bind = true;
            }
            if (option.starts_with(backlog)) {
                socket.backlog = number_in(option.substr(backlog.size())).value_or(usual_backlog);
            } else if (option == "ipv6only=off") {
                socket.v6only = false;
            } else if (option == "reuseport") {
                socket.why_not = "with reuseport each worker has a queue of its own";
            } else if (option == "deferred") {
                socket.why_not = "with deferred a client that has connected and sent nothing yet "
                                 "cannot be told from a handshake";
            } else if (option == "udp" || option == "quic") {
                socket.datagrams = true;
                socket.why_not = "UDP has no connections";
            } else if (option.starts_with("accept_filter=") || option.starts_with("setfib=")) {
                socket.why_not = "sluice does not set " + std::string(option);
            }
        }
        return socket;
    }

    // Several servers may share one address; its options stand with one of them.
    void merge(const Socket& socket) {
        const auto [place, added] =
            places_.try_emplace({socket.endpoint, socket.datagrams}, sockets_.size());
        if (added) {
            sockets_.push_back(socket);
        } else if (socket.own_bind || !socket.why_not.empty()) {
            sockets_[place->second] = socket;
        }
    }

    // --- what becomes of it ---------------------------------------------------------------------

    // nginx binds only the wildcard then.
    bool is_left_to_wildcard(const Socket& socket) const {
        const auto* const tcp = std::get_if<net::TcpEndpoint>(&socket.endpoint);
        if (tcp == nullptr || socket.own_bind || is_wildcard(*tcp)) return false;
        return std::ranges::any_of(sockets_, [&](const Socket& other) {
            const auto* const wildcard = std::get_if<net::TcpEndpoint>(&other.endpoint);
            return wildcard != nullptr && is_wildcard(*wildcard) &&
                   wildcard->family == tcp->family && wildcard->port == tcp->port &&
                   other.datagrams == socket.datagrams;
        });
    }

    void take(const Socket& socket) {
        if (is_left_to_wildcard(socket)) return;
        if (!socket.why_not.empty()) return leave_to_nginx(socket.text, socket.why_not);
        const auto* const tcp = std::get_if<net::TcpEndpoint>(&socket.endpoint);
        net::Wanted wanted{.endpoint = socket.endpoint,
                           .backlog = socket.backlog,
                           .mode = 0666, // nginx gives a path to everybody
                           .blocks = false};
        if (tcp != nullptr && tcp->family == AF_INET6) wanted.v6only = socket.v6only;
        planned_.listeners.push_back(std::move(wanted));
    }

    const Configuration& configuration_;
    const Machine& machine_;
    std::vector<Socket> sockets_;
    std::map<std::pair<net::Endpoint, bool>, std::size_t> places_; // in it; true: datagrams
    Sockets planned_;
};

} // namespace

Sockets plan_sockets(const Configuration& configuration, const Machine& machine) {
    return Planner(configuration, machine).plan();
}

} // namespace sluice::nginx
