#include "init/intake.h"

#include <algorithm>
#include <system_error>

#include "init/net/diag.h"

namespace sluice {

namespace {

using namespace std::chrono_literals;

std::string trouble_at(const net::Address& address, const char* step, int error) {
    return to_string(address.endpoint()) + ": " + step + ": " +
           std::generic_category().message(error);
}

// A request has come, or a part of it, since bytes last went out. (The kernel counts in the ticks
// of its clock: a request that came and was answered within one is over.)
bool in_service(const net::Connection& connection) {
    if (!connection.since_sent || connection.bytes_received == 0) return false;
    return connection.bytes_sent == 0 || *connection.since_received < *connection.since_sent;
}

void count_open(const net::Connections& found, core::Sight& sight) {
    // Those that are not accepted count as well: between the queue and its worker a connection has
    // no inode for an instant.
    for (const auto& connection : found.open) {
        auto& connections = *sight.connections;
        ++connections.open;
        if (connection.unread > 0) ++connections.unread;
        if (in_service(connection)) ++connections.in_service;
        if (!connection.since_sent) sight.tells_times = false;
    }
}

} // namespace

core::IntakeClosed Intake::close() {
    core::IntakeClosed closed{core::Closing::refused, {}};
    for (auto& address : addresses_) {
        if (const int error = address.hide()) {
            closed = {core::Closing::open, trouble_at(address, "SO_BINDTOIFINDEX", error)};
        }
    }
    hidden_since_ = core::TimePoint::clock::now();
    return closed;
}

core::IntakeClosed Intake::hold_off() {
    core::IntakeClosed closed{core::Closing::held_off, {}};
    for (auto& address : addresses_) {
        if (address.live().hidden()) continue;
        if (const int error = address.hold_off()) {
            closed = {core::Closing::open, trouble_at(address, "SO_ATTACH_REUSEPORT_CBPF", error)};
        }
    }
    return closed;
}

void Intake::look(core::Sight& sight) const {
    sight.queue_empty = true;
    sight.queued = 0;
    sight.half_open = 0;
    sight.tells_times = true;
    sight.connections.emplace();
    bool told = true;
    const auto now = core::TimePoint::clock::now();
    const auto hidden_for = now > hidden_since_ ? now - hidden_since_ : 0ns;
    for (const auto& address : addresses_) {
        const auto& listener = address.live();
        // What moves, moves from the handshakes to the queue and on: whoever asks in the other
        // order may miss it. So the connections come last, and the handshakes first.
        const auto handshakes = net::connections(
            listener, std::chrono::duration_cast<std::chrono::milliseconds>(hidden_for));
        if (handshakes) sight.half_open += handshakes->half_open;
        if (!listener.queue_empty()) {
            sight.queue_empty = false;
            sight.queued += listener.queued().value_or(1);
        }
        const auto found = handshakes ? net::connections(listener) : std::nullopt;
        if (found) {
            count_open(*found, sight);
        } else {
            told = false;
        }
    }
    if (!told) sight.connections.reset();
}

} // namespace sluice
