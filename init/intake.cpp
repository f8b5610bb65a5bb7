#include "init/intake.h"

#include <sys/stat.h>

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
        if (in_service(connection)) ++connections.in_service;
        if (!connection.since_sent) sight.tells_times = false;
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

// What moves, moves from the handshakes to the queue and on: whoever asks in another order may miss
// it. False where the kernel does not tell of connections.
bool look_at(const net::Address& address, core::Sight& sight) {
    const bool tcp = std::holds_alternative<net::TcpEndpoint>(address.endpoint());
    const auto handshakes = net::connections(address.live());
    if (handshakes) sight.half_open += handshakes->half_open;
    for (const auto* const member : members_of(address)) {
        if (member != nullptr) look_at_queue(*member, sight);
    }
    for (const auto* const member : members_of(address)) {
        if (member == nullptr) continue;
        const auto found = net::connections(*member);
        if (!found) return false;
        count_open(*found, sight);
        if (tcp) break; // all members are one port to the kernel
    }
    return handshakes.has_value();
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

std::vector<std::string> Intake::keep_those_of(const std::vector<std::string>& open_files) {
    std::vector<std::string> closed;
    std::erase_if(entries_, [&](const Entry& entry) {
        struct stat socket {};

        if (::fstat(entry.address.live().descriptor(), &socket) != 0) return false;
        const auto name = "socket:[" + std::to_string(socket.st_ino) + "]";
        if (std::ranges::find(open_files, name) != open_files.end()) return false;
        closed.push_back(to_string(entry.address.endpoint()));
        return true;
    });
    return closed;
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

void Intake::look(core::Sight& sight) const {
    sight.queue_empty = true;
    sight.queued = 0;
    sight.half_open = 0;
    sight.tells_times = true;
    sight.connections = core::Sight::Connections{};
    bool told = true;
    for (const auto& entry : entries_) told = look_at(entry.address, sight) && told;
    if (!told) sight.connections.reset();
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
    return std::ranges::all_of(entries_, [this](const Entry& entry) {
        const auto* const old = entry.address.old();
        if (old == nullptr) return true;
        const auto found = net::connections(*old, since(switched_at_));
        return (!found || found->half_open == 0) && old->queue_empty();
    });
}

void Intake::leave_old() {
    for (auto& entry : entries_) entry.address.leave();
}

void Intake::give_up_new() {
    for (auto& entry : entries_) entry.address.give_up();
}

} // namespace sluice
