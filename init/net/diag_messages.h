#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sluice::net {

// The bytes of NETLINK_SOCK_DIAG, both ways. Pure. Replies are read with every length checked, so
// any bytes are safe: what does not fit is left out and sets `malformed`.

using Bytes = std::vector<std::byte>;

// TCP's states as SOCK_DIAG numbers them; unix sockets use the same numbers.
inline constexpr int established = 1;
inline constexpr int syn_received = 3;
inline constexpr int close_wait = 8;
inline constexpr int listening = 10;

/// For a request's `states`.
constexpr std::uint32_t bit(int state) {
    return 1U << static_cast<unsigned>(state);
}

/// All TCP sockets of one family (AF_INET or AF_INET6) with this local port, with INET_DIAG_INFO.
Bytes inet_request(int family, std::uint16_t port, std::uint32_t states, std::uint32_t sequence);

/// All unix sockets, with their names, files and queue lengths.
Bytes unix_request(std::uint32_t states, std::uint32_t sequence);

/// The one unix socket whose inode in sockfs this is, with its file and the length of its queue.
Bytes unix_request_one(std::uint32_t inode, std::uint32_t sequence);

/// What the kernel knows a TCP socket by: its addresses and ports, and a number never used twice.
struct InetId {
    int family = 0;                 // AF_INET or AF_INET6
    std::array<std::byte, 48> id{}; // inet_diag_sockid

    /// That number. A connection has the one of its handshake.
    std::uint64_t cookie() const;
};

/// This one TCP socket, with INET_DIAG_INFO.
Bytes inet_request_one(const InetId& id, std::uint32_t sequence);

struct InetRecord {
    InetId id;
    int state = 0;
    int resent = 0;                      // of a handshake: how often its SYN-ACK was sent again
    std::chrono::milliseconds timer{};   // until the socket's timer fires
    std::array<std::uint8_t, 16> host{}; // the local address; IPv4 as ::ffff:a.b.c.d
    std::uint16_t port = 0;              // the local one
    std::uint32_t unread = 0;            // bytes
    std::uint32_t inode = 0;             // 0: not accepted yet

    /// tcp_info; nothing for a handshake, which has none.
    struct Info {
        std::chrono::milliseconds since_sent{};
        std::chrono::milliseconds since_received{};
        std::uint64_t bytes_received = 0;
        std::uint64_t bytes_sent = 0;
    };

    std::optional<Info> info;
};

struct UnixRecord {
    int state = 0;
    std::uint32_t inode = 0;
    std::string name;         // the path of the bind; abstract names begin with a NUL
    std::uint32_t unread = 0; // bytes; of a listening socket: connections in its queue

    /// The file that was bound, whatever it is called by now and in whichever mount namespace.
    struct File {
        std::uint32_t inode = 0;
        std::uint32_t device = 0;
        bool operator==(const File&) const = default;
    };

    std::optional<File> file;
};

/// What one datagram of a reply holds.
template <typename Record>
struct Batch {
    std::vector<Record> records;
    bool done = false;        // the last one of a dump, or an error
    bool interrupted = false; // the sockets changed meanwhile: the dump may lack some
    bool malformed = false;
    int error = 0; // errno of the whole request
};

/// Messages with another sequence number are left out.
Batch<InetRecord> parse_inet(std::span<const std::byte> datagram, std::uint32_t sequence);
Batch<UnixRecord> parse_unix(std::span<const std::byte> datagram, std::uint32_t sequence);

/// How long ago a handshake began, at most: a SYN-ACK is sent again after 1 s, 3 s, 7 s and so on.
std::chrono::milliseconds age_of_handshake(const InetRecord& record);

/// An IPv4 address as ::ffff:a.b.c.d, from its four bytes.
std::array<std::uint8_t, 16> mapped(std::span<const std::uint8_t, 4> host);

} // namespace sluice::net
