#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "init/net/diag_messages.h"

namespace sluice::net {

class Listener;

/// A connection that its client has seen succeed, or a handshake that is to become one.
struct Connection {
    bool accepted = false; // by a worker; false: it waits in the queue
    // established or close_wait, or syn_received for a handshake, of which its client has not seen
    // anything yet (diag_messages.h)
    int state = 0;
    std::uint32_t unread = 0; // bytes that came and that the worker has not read
    // TCP only. The kernel counts from the connection's begin where nothing went that way yet.
    std::optional<std::chrono::milliseconds> since_sent;
    std::optional<std::chrono::milliseconds> since_received;
    std::uint64_t bytes_received = 0; // TCP only
    std::uint64_t bytes_sent = 0;     // TCP only
    /// "socket:[<inode>]" in /proc/<worker>/fd; 0 in the queue. While two generations share a TCP
    /// address this alone tells whose connection it is.
    std::uint32_t inode = 0;
    std::optional<InetId> id; // TCP only
    int resent = 0;           // of a handshake: how often its SYN-ACK was sent again
};

/// A handshake that has begun so long ago that its client is likely to be dead.
bool is_old(const Connection& handshake);

struct Connections {
    /// ESTABLISHED and CLOSE_WAIT: of this address for TCP, of this very listener for a path.
    std::vector<Connection> open;
    /// TCP handshakes that have begun and belong to live clients: their SYN-ACK was sent again once
    /// at most, so they are 3 s old at most.
    int half_open = 0;
    /// Older ones. Of dead clients, for up to 63 s; but also of live ones, who take themselves for
    /// connected, while the accept queue has been full for so long. The kernel does not tell which.
    int half_open_old = 0;
    /// All of both.
    std::vector<Connection> handshakes;
};

/// The connections that came in by each of these listeners, in their order. A handshake stays with
/// the listener that saw its SYN: after a switch only those count that began before it, so the
/// caller says how long the listener has been `hidden_for`. With SYN cookies (the kernel's answer
/// to more handshakes than the backlog) they are not to be seen.
///
/// A connection moves from half_open to the queue and on. In TCP's answer it is listed in one of
/// its states. A path's is for an instant in none of them, on its way out of the queue.
///
/// One answer takes the kernel a walk through all sockets of the machine, whatever it is about, so
/// that to ask for all listeners at once costs no more than to ask for one. Needs no privilege, but
/// the listeners' network namespace. Nothing where the kernel refuses (errno says why) or where
/// the answer made no sense (EPROTO). Does not block.
std::optional<std::vector<Connections>> connections(std::span<const Listener* const> listeners,
                                                    std::chrono::milliseconds hidden_for = {});

/// The same for one.
std::optional<Connections> connections(const Listener& listener,
                                       std::chrono::milliseconds hidden_for = {});

/// Those of these accepted connections, and of TCP's others, that are still open, as they are now.
/// Asks for each of them alone, which takes some microseconds and no walk. Nothing as above.
std::optional<std::vector<Connection>> seen_again(std::span<const Connection> connections);

/// How many connections wait in the accept queue of this unix socket; nothing as above.
std::optional<int> unix_queue(int descriptor);

} // namespace sluice::net
