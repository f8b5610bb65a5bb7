#include <algorithm>

#include "init/intake.h"

// What can be seen of the sockets.

namespace sluice {

namespace {

// To ask for more connections one by one takes as long as to ask for all.
constexpr std::size_t most_known = 64;

// A request has come, or a part of it, since bytes last went out. (The kernel counts in the ticks
// of its clock: a request that came and was answered within one is over.)
bool in_service(const net::Connection& connection) {
    if (!connection.since_sent || connection.bytes_received == 0) return false;
    return connection.bytes_sent == 0 || *connection.since_received < *connection.since_sent;
}

// A request begins with a record of 16 bytes. What FPM leaves unread while it executes one is the
// end of the input, an empty record of 8; and what has come too early of a large body.
bool untouched(const net::Connection& connection) {
    constexpr std::uint32_t end_of_input = 8;
    return connection.unread > end_of_input;
}

void count(const net::Connection& connection, core::Sight& sight) {
    auto& connections = *sight.connections;
    ++connections.open;
    if (connection.unread > 0) ++connections.unread;
    if (untouched(connection)) ++connections.untouched;
    if (in_service(connection)) ++connections.in_service;
    if (!connection.since_sent) sight.tells_times = false;
}

void look_at_queue(const net::Listener& listener, core::Sight& sight) {
    if (listener.queue_empty()) return;
    sight.queue_empty = false;
    sight.queued += listener.queued().value_or(1);
}

void count_all(const std::vector<net::Connection>& connections, core::Sight& sight) {
    for (const auto& connection : connections) count(connection, sight);
}

} // namespace

void Intake::look(core::Sight& sight, core::Which which) {
    sight.queue_empty = true;
    sight.queued = 0;
    sight.half_open = 0;
    sight.tells_times = true;
    sight.connections = core::Sight::Connections{};
    if (which == core::Which::old) {
        look_at_old(sight);
        return;
    }
    for (const auto* const listener : all_of_users()) look_at_queue(*listener, sight);
    if (!sight.queue_empty || !look_at_known(sight)) look_at_all(sight);
}

bool Intake::look_at_known(core::Sight& sight) {
    if (known_.empty()) return false;
    known_ = net::seen_again(known_).value_or(std::vector<net::Connection>{});
    count_all(known_, sight);
    return !known_.empty(); // that there is none left, is to be seen from scratch
}

// What moves, moves from the handshakes to the queue and on: what was not yet in the queue, is
// listed as a handshake or as a connection now. Those that are not accepted are counted as well:
// between the queue and its worker a connection has no inode for an instant.
void Intake::look_at_all(core::Sight& sight) {
    std::vector<const net::Listener*> listeners;
    for (const auto& entry : entries_) {
        // To the kernel all members of a TCP address are one port.
        if (entry.wish.users && !entry.address.by_path())
            listeners.push_back(&entry.address.live());
    }
    for (const auto* const listener : all_of_users()) {
        if (!listener->bound_path().empty()) listeners.push_back(listener);
    }
    const auto all = net::connections(listeners);
    if (!all) {
        sight.connections.reset();
        return;
    }
    known_.clear();
    bool known = closed_ && sight.queue_empty;
    for (const auto& found : *all) {
        sight.half_open += found.half_open;
        for (const auto& connection : found.open) {
            count(connection, sight);
            known_.push_back(connection);
            known = known && connection.accepted;
        }
        known = known && found.handshakes.empty();
    }
    if (!known || known_.size() > most_known) known_.clear();
}

// --- the old generation's -----------------------------------------------------------------------

// A TCP connection does not tell which listener of its address it came by. Those of the old one are
// those that are there at the switch, handshakes included. Some few may be the new one's: the dump
// is made after the switch.
void Intake::remember_old() {
    old_.clear();
    std::vector<const net::Listener*> listeners;
    for (const auto* const old : old_listeners()) {
        if (old->bound_path().empty()) listeners.push_back(old);
    }
    auto all = net::connections(listeners);
    old_known_ = all.has_value();
    if (!all) return;
    for (auto& found : *all) {
        std::ranges::move(found.open, std::back_inserter(old_));
        std::ranges::move(found.handshakes, std::back_inserter(old_));
    }
}

bool Intake::refresh_old() {
    if (!old_known_ || old_.empty()) return old_known_;
    if (old_.size() <= most_known) {
        auto seen = net::seen_again(old_);
        if (seen) old_ = std::move(*seen);
        return seen.has_value();
    }
    std::vector<std::uint64_t> cookies;
    for (const auto& connection : old_) cookies.push_back(connection.id->cookie());
    std::ranges::sort(cookies);
    remember_old();
    std::erase_if(old_, [&](const net::Connection& connection) {
        return !std::ranges::binary_search(cookies, connection.id->cookie());
    });
    return old_known_;
}

void Intake::look_at_old(core::Sight& sight) {
    std::vector<const net::Listener*> paths;
    for (const auto* const old : old_listeners()) {
        look_at_queue(*old, sight);
        if (!old->bound_path().empty()) paths.push_back(old);
    }
    const auto by_path = net::connections(paths);
    if (!refresh_old() || !by_path) {
        sight.connections.reset();
        return;
    }
    for (const auto& connection : old_) {
        if (connection.state != net::syn_received) {
            count(connection, sight);
        } else if (!net::is_old(connection)) {
            ++sight.half_open;
        }
    }
    for (const auto& found : *by_path) count_all(found.open, sight);
}

} // namespace sluice
