#include "init/net/diag.h"

#include <linux/netlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "init/net/diag_messages.h"
#include "init/net/listener.h"

namespace sluice::net {

namespace {

constexpr std::uint32_t sequence = 1;

template <typename Record>
using Parser = Batch<Record> (*)(std::span<const std::byte>, std::uint32_t);

// One datagram. The kernel writes the next part of a dump while this one is fetched, so there is
// always one to read and nothing to wait for. -1 with errno set.
ssize_t receive(const os::Descriptor& netlink, std::span<std::byte> buffer) {
    for (;;) {
        const auto size =
            ::recv(netlink.get(), buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size < 0 && errno == EINTR) continue;
        if (size <= static_cast<ssize_t>(buffer.size())) return size;
        errno = EMSGSIZE;
        return -1;
    }
}

// Sends the request and reads up to the end of the answer. A dump ends with a message that says so,
// an answer about one socket is one message.
template <typename Record>
std::optional<Batch<Record>> ask_once(const Bytes& request, Parser<Record> parse, bool dump) {
    constexpr std::size_t buffer_size = 32'768; // the largest datagram of a dump
    constexpr int most_datagrams = 10'000;
    const os::Descriptor netlink(
        ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG));
    if (!netlink) return {};
    if (::send(netlink.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) return {};
    std::vector<std::byte> buffer(buffer_size);
    Batch<Record> all;
    for (int datagrams = 0; datagrams < most_datagrams && !all.done; ++datagrams) {
        const auto size = receive(netlink, buffer);
        if (size < 0) return {};
        auto part = parse(std::span(buffer).first(static_cast<std::size_t>(size)), sequence);
        std::ranges::move(part.records, std::back_inserter(all.records));
        all.done = part.done || !dump;
        all.interrupted = all.interrupted || part.interrupted;
        if (part.malformed) part.error = EPROTO;
        if (part.error != 0) {
            errno = part.error;
            return {};
        }
    }
    return all;
}

template <typename Record>
std::optional<std::vector<Record>> ask(const Bytes& request, Parser<Record> parse,
                                       bool dump = true) {
    constexpr int attempts = 3; // an interrupted dump may lack sockets; the last one has to do
    for (int attempt = 1;; ++attempt) {
        auto answer = ask_once(request, parse, dump);
        if (!answer) return {};
        if (!answer->interrupted || attempt == attempts) return std::move(answer->records);
    }
}

Connection connection_of(const InetRecord& record) {
    Connection connection{.accepted = record.inode != 0,
                          .state = record.state,
                          .unread = record.unread,
                          .inode = record.inode,
                          .id = record.id,
                          .resent = record.resent};
    if (record.info) {
        connection.since_sent = record.info->since_sent;
        connection.since_received = record.info->since_received;
        connection.bytes_received = record.info->bytes_received;
        connection.bytes_sent = record.info->bytes_sent;
    }
    return connection;
}

Connection connection_of(const UnixRecord& record) {
    return {
        .accepted = true, .state = record.state, .unread = record.unread, .inode = record.inode};
}

bool takes_ipv4_too(const Listener& listener) {
    int only_ipv6 = 1;
    socklen_t size = sizeof only_ipv6;
    return ::getsockopt(listener.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, &size) == 0 &&
           only_ipv6 == 0;
}

std::array<std::uint8_t, 16> host_of(const TcpEndpoint& endpoint) {
    return endpoint.family == AF_INET ? mapped(std::span(endpoint.host).first<4>()) : endpoint.host;
}

using Listeners = std::span<const Listener* const>;

// The one port that all of these have in common, or 0: all ports.
std::uint16_t common_port(const std::vector<const TcpEndpoint*>& endpoints) {
    const auto port = endpoints.front()->port;
    return std::ranges::all_of(endpoints, [port](const auto* one) { return one->port == port; })
               ? port
               : std::uint16_t{0};
}

// On a dual-stack listener IPv4 connections are IPv6 sockets with mapped addresses, but their
// handshakes may be listed as IPv4, so that both families are asked for: that of the handshakes
// first, for what moves, moves to the other.
std::optional<std::vector<InetRecord>> inet_records(Listeners listeners) {
    constexpr auto states = bit(established) | bit(close_wait) | bit(syn_received);
    std::vector<const TcpEndpoint*> endpoints;
    bool ipv4 = false;
    bool ipv6 = false;
    for (const auto* const listener : listeners) {
        const auto* const endpoint = std::get_if<TcpEndpoint>(&listener->endpoint());
        if (endpoint == nullptr) continue;
        endpoints.push_back(endpoint);
        const bool six = endpoint->family == AF_INET6;
        ipv6 = ipv6 || six;
        ipv4 = ipv4 || !six || takes_ipv4_too(*listener);
    }
    std::vector<InetRecord> all;
    for (const auto& [wanted, family] : {std::pair(ipv4, AF_INET), std::pair(ipv6, AF_INET6)}) {
        if (!wanted) continue;
        const auto found =
            ask(inet_request(family, common_port(endpoints), states, sequence), parse_inet);
        if (!found) return {};
        all.insert(all.end(), found->begin(), found->end());
    }
    return all;
}

// A client on this machine has the port as its peer's, not as its own, and is none of these.
bool belongs_to(const InetRecord& record, const TcpEndpoint& endpoint) {
    return record.port == endpoint.port &&
           (is_wildcard(endpoint) || record.host == host_of(endpoint));
}

Connections tcp_connections(const TcpEndpoint& endpoint, const std::vector<InetRecord>& records,
                            std::chrono::milliseconds hidden_for) {
    constexpr std::chrono::milliseconds tick(20); // the kernel's timers are rounded to one
    Connections found;
    for (const auto& record : records) {
        if (!belongs_to(record, endpoint)) continue;
        if (record.state != syn_received) {
            found.open.push_back(connection_of(record));
        } else if (age_of_handshake(record) + tick >= hidden_for) {
            const auto& handshake = found.handshakes.emplace_back(connection_of(record));
            ++(is_old(handshake) ? found.half_open_old : found.half_open);
        }
    }
    return found;
}

std::optional<UnixRecord> unix_record(int descriptor) {
    struct stat socket {};

    if (::fstat(descriptor, &socket) != 0) return {};
    const auto inode = static_cast<std::uint32_t>(socket.st_ino);
    auto found = ask(unix_request_one(inode, sequence), parse_unix, false);
    if (!found || found->empty()) return {};
    return std::move(found->front());
}

// By its file, where it has one: another container in this network namespace may have a socket of
// the same name in its own file system.
bool belongs_to(const UnixRecord& record, const Listener& listener, const UnixRecord& own) {
    return own.file ? record.file == own.file : record.name == listener.bound_path();
}

// Those in the queue have no inode and are not listed: the listener tells their number.
Connections path_connections(const Listener& listener, const UnixRecord& own,
                             const std::vector<UnixRecord>& records) {
    Connections found;
    for (const auto& record : records) {
        if (belongs_to(record, listener, own)) found.open.push_back(connection_of(record));
    }
    const auto all = found.open.size() + own.unread;
    found.open.resize(all, Connection{.state = established});
    return found;
}

// The paths' listeners, in their places; and all connections, looked at after them.
struct Paths {
    std::vector<std::optional<UnixRecord>> listeners;
    std::vector<UnixRecord> records;
};

std::optional<Paths> look_at_paths(Listeners listeners) {
    Paths paths;
    bool any = false;
    for (const auto* const listener : listeners) {
        auto& own = paths.listeners.emplace_back();
        if (std::holds_alternative<TcpEndpoint>(listener->endpoint())) continue;
        own = unix_record(listener->descriptor());
        if (!own) return {};
        any = true;
    }
    if (!any) return paths;
    auto records = ask(unix_request(bit(established), sequence), parse_unix);
    if (!records) return {};
    paths.records = std::move(*records);
    return paths;
}

} // namespace

bool is_old(const Connection& handshake) {
    return handshake.resent > 1;
}

std::optional<std::vector<Connections>> connections(std::span<const Listener* const> listeners,
                                                    std::chrono::milliseconds hidden_for) {
    const auto paths = look_at_paths(listeners);
    const auto records = inet_records(listeners);
    if (!paths || !records) return {};
    std::vector<Connections> found;
    for (std::size_t at = 0; at < listeners.size(); ++at) {
        const auto* const tcp = std::get_if<TcpEndpoint>(&listeners[at]->endpoint());
        found.push_back(tcp != nullptr ? tcp_connections(*tcp, *records, hidden_for)
                                       : path_connections(*listeners[at], *paths->listeners[at],
                                                          paths->records));
    }
    return found;
}

std::optional<Connections> connections(const Listener& listener,
                                       std::chrono::milliseconds hidden_for) {
    const std::array<const Listener*, 1> one{&listener};
    auto found = connections(std::span(one), hidden_for);
    if (!found) return {};
    return std::move(found->front());
}

std::optional<std::vector<Connection>> seen_again(std::span<const Connection> connections) {
    std::vector<Connection> still_open;
    const auto add = [&](const auto& records) {
        if (!records) return errno == ENOENT || errno == ESTALE; // closed, or another one by now
        for (const auto& record : *records) {
            const bool there = record.state == established || record.state == close_wait ||
                               record.state == syn_received;
            if (there) still_open.push_back(connection_of(record));
        }
        return true;
    };
    for (const auto& connection : connections) {
        const bool told =
            connection.id
                ? add(ask(inet_request_one(*connection.id, sequence), parse_inet, false))
                : add(ask(unix_request_one(connection.inode, sequence), parse_unix, false));
        if (!told) return {};
    }
    return still_open;
}

std::optional<int> unix_queue(int descriptor) {
    const auto record = unix_record(descriptor);
    if (!record) return {};
    return static_cast<int>(record->unread);
}

} // namespace sluice::net
