#include "init/intake.h"

#include <algorithm>
#include <array>
#include <system_error>

#include "init/fault_point.h"
#include "init/net/diag.h"

namespace sluice {

namespace {

using namespace std::chrono_literals;

std::string trouble_at(const net::Address& address, const char* step, int error) {
    return to_string(address.endpoint()) + ": " + step + ": " +
           std::generic_category().message(error);
}

std::chrono::milliseconds since(core::TimePoint moment) {
    const auto now = core::TimePoint::clock::now();
    if (now < moment) return 0ms;
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - moment);
}

// A request has come, or a part of it, since bytes last went out. (The kernel counts in the ticks
// of its clock: a request that came and was answered within one is over.)
bool in_service(const net::Connection& connection) {
    if (!connection.since_sent || connection.bytes_received == 0) return false;
    return connection.bytes_sent == 0 || *connection.since_received < *connection.since_sent;
}

// Those that are not accepted count as well: between the queue and its worker a connection has no
// inode for an instant.
void count_open(const net::Connections& found, core::Sight& sight) {
    for (const auto& connection : found.open) {
        auto& connections = *sight.connections;
        ++connections.open;
        if (connection.unread > 0) ++connections.unread;
        const bool serving = in_service(connection);
        if (serving) ++connections.in_service;
        if (!connection.since_sent) {
            sight.tells_times = false;
        } else if (connection.accepted) {
            connections.accepted.push_back({connection.inode,
                                            connection.bytes_received - connection.unread,
                                            serving && connection.unread == 0});
        }
    }
}

void look_at_queue(const net::Listener& listener, core::Sight& sight) {
    if (listener.queue_empty()) return;
    sight.queue_empty = false;
    sight.queued += listener.queued().value_or(1);
}

std::array<const net::Listener*, 3> members_of(const net::Address& address) {
    return {&address.live(), address.old(), address.next()};
}

} // namespace

void Intake::add(std::string key, net::Wanted wanted, net::Address address) {
    entries_.push_back({std::move(key), std::move(wanted), std::move(address)});
}

std::vector<std::pair<std::string, int>> Intake::newest() const {
    std::vector<std::pair<std::string, int>> all;
    for (const auto& entry : entries_) {
        const auto* const next = entry.address.next();
        const auto& listener = next != nullptr ? *next : entry.address.live();
        all.emplace_back(entry.key, listener.descriptor());
    }
    return all;
}

// --- the drain ----------------------------------------------------------------------------------

core::IntakeClosed Intake::close() {
    if (fault_asked_for("bindtoifindex")) return {core::Closing::open, "as a test wants it"};
    core::IntakeClosed closed{core::Closing::refused, {}};
    for (auto& entry : entries_) {
        if (const int error = entry.address.hide()) {
            closed = {core::Closing::open, trouble_at(entry.address, "SO_BINDTOIFINDEX", error)};
        }
    }
    return closed;
}

core::IntakeClosed Intake::hold_off() {
    core::IntakeClosed closed{core::Closing::held_off, {}};
    for (auto& entry : entries_) {
        if (entry.address.live().hidden()) continue;
        if (const int error = entry.address.hold_off()) {
            closed = {core::Closing::open,
                      trouble_at(entry.address, "SO_ATTACH_REUSEPORT_CBPF", error)};
        }
    }
    return closed;
}

// What moves, moves from the handshakes to the queue and on. So the queues are looked at first:
// what is not there yet is listed as a handshake or as a connection afterwards.
void Intake::look(core::Sight& sight) const {
    sight.queue_empty = true;
    sight.queued = 0;
    sight.half_open = 0;
    sight.tells_times = true;
    sight.connections = core::Sight::Connections{};
    std::vector<const net::Listener*> listeners;
    for (const auto& entry : entries_) {
        // To the kernel all members of a TCP address are one port.
        const bool tcp = std::holds_alternative<net::TcpEndpoint>(entry.address.endpoint());
        for (const auto* const member : members_of(entry.address)) {
            if (member == nullptr) continue;
            look_at_queue(*member, sight);
            if (!tcp || member == &entry.address.live()) listeners.push_back(member);
        }
    }
    const auto all = net::connections(listeners);
    if (!all) {
        sight.connections.reset();
        return;
    }
    for (const auto& found : *all) {
        sight.half_open += found.half_open;
        count_open(found, sight);
    }
}

// --- a next run beside the one before -----------------------------------------------------------

std::optional<std::string> Intake::join() {
    for (auto& entry : entries_) {
        if (auto refused = entry.address.join(entry.wanted)) {
            give_up_new();
            return std::move(refused->why);
        }
    }
    return {};
}

std::string Intake::switch_over() {
    std::string trouble;
    for (auto& entry : entries_) {
        if (const auto refused = entry.address.switch_over()) {
            trouble += (trouble.empty() ? "" : "; ") + refused->why;
        } else {
            entry.address.old()->hide(); // not needed, the selector does not choose it
        }
    }
    switched_at_ = core::TimePoint::clock::now();
    return trouble;
}

bool Intake::old_empty() const {
    std::vector<const net::Listener*> all;
    for (const auto& entry : entries_) {
        if (entry.address.old() != nullptr) all.push_back(entry.address.old());
    }
    const auto found = net::connections(all, since(switched_at_));
    if (found && std::ranges::any_of(*found, [](const auto& one) { return one.half_open > 0; })) {
        return false;
    }
    return std::ranges::all_of(all, [](const auto* old) { return old->queue_empty(); });
}

void Intake::leave_old() {
    for (auto& entry : entries_) entry.address.leave();
}

void Intake::give_up_new() {
    for (auto& entry : entries_) entry.address.give_up();
}

} // namespace sluice
