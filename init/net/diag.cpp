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
                          .inode = record.inode};
    if (record.info) {
        connection.since_sent = record.info->since_sent;
        connection.since_received = record.info->since_received;
        connection.bytes_received = record.info->bytes_received;
        connection.bytes_sent = record.info->bytes_sent;
    }
    return connection;
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

// A client on this machine has the port as its peer's, not as its own, and is not in the answer.
// On a dual-stack listener IPv4 connections are IPv6 sockets with mapped addresses, but their
// handshakes may be listed as IPv4, so that both families are asked for.
std::optional<std::vector<InetRecord>> inet_records(const Listener& listener,
                                                    const TcpEndpoint& endpoint) {
    constexpr auto states = bit(established) | bit(close_wait) | bit(syn_received);
    auto found = ask(inet_request(endpoint.family, endpoint.port, states, sequence), parse_inet);
    if (found && endpoint.family == AF_INET6 && takes_ipv4_too(listener)) {
        auto more = ask(inet_request(AF_INET, endpoint.port, states, sequence), parse_inet);
        if (!more) return {};
        found->insert(found->end(), more->begin(), more->end());
    }
    if (found && !is_wildcard(endpoint)) {
        std::erase_if(
            *found, [host = host_of(endpoint)](const auto& record) { return record.host != host; });
    }
    return found;
}

std::optional<Connections> tcp_connections(const Listener& listener, const TcpEndpoint& endpoint,
                                           std::chrono::milliseconds hidden_for) {
    constexpr std::chrono::milliseconds tick(20); // the kernel's timers are rounded to one
    const auto records = inet_records(listener, endpoint);
    if (!records) return {};
    Connections found;
    for (const auto& record : *records) {
        if (record.state != syn_received) {
            found.open.push_back(connection_of(record));
        } else if (age_of_handshake(record) + tick >= hidden_for) {
            ++(record.resent <= 1 ? found.half_open : found.half_open_old);
        }
    }
    return found;
}

// Those in the queue have no inode and are not listed: the listener tells their number.
std::optional<Connections> path_connections(const Listener& listener) {
    const auto queued = unix_queue(listener.descriptor());
    const auto records = ask(unix_request(bit(established), sequence), parse_unix);
    if (!queued || !records) return {};
    Connections found;
    for (const auto& record : *records) {
        if (record.name != listener.bound_path()) continue;
        found.open.push_back({.accepted = true,
                              .state = record.state,
                              .unread = record.unread,
                              .inode = record.inode});
    }
    const auto all = found.open.size() + static_cast<std::size_t>(*queued);
    found.open.resize(all, Connection{.state = established});
    return found;
}

} // namespace

std::optional<Connections> connections(const Listener& listener,
                                       std::chrono::milliseconds hidden_for) {
    const auto* const tcp = std::get_if<TcpEndpoint>(&listener.endpoint());
    return tcp != nullptr ? tcp_connections(listener, *tcp, hidden_for)
                          : path_connections(listener);
}

std::optional<int> unix_queue(int descriptor) {
    struct stat socket {};

    if (::fstat(descriptor, &socket) != 0) return {};
    const auto inode = static_cast<std::uint32_t>(socket.st_ino);
    const auto found = ask(unix_request_one(inode, sequence), parse_unix, false);
    if (!found || found->empty()) return {};
    return static_cast<int>(found->front().unread);
}

} // namespace sluice::net
