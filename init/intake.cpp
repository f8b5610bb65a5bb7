#include "init/intake.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "init/fault_point.h"

namespace sluice {

namespace {

using namespace std::chrono_literals;

// `on_port` is the step that a port takes.
std::string trouble_at(const net::Address& address, const char* on_port, int error) {
    const bool tcp = std::holds_alternative<net::TcpEndpoint>(address.endpoint());
    return to_string(address.endpoint()) + ": " + (tcp ? on_port : "removing the name") + ": " +
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
    closed_ = closed.way != core::Closing::open;
    return closed;
}

core::IntakeClosed Intake::hold_off() {
    core::IntakeClosed closed{core::Closing::held_off, {}};
    for (auto& entry : entries_) {
        if (entry.address.live().hidden()) continue;
        if (const int error = entry.address.hold_off(); error != 0) {
            closed = {core::Closing::open,
                      trouble_at(entry.address, "SO_ATTACH_REUSEPORT_CBPF", error)};
        }
    }
    closed_ = closed.way != core::Closing::open;
    return closed;
}

void Intake::look(core::Sight& sight) {
    sight.queue_empty = true;
    sight.queued = 0;
    sight.half_open = 0;
    sight.tells_times = true;
    sight.connections = core::Sight::Connections{};
    look_at_queues(sight);
    if (!sight.queue_empty || !look_at_known(sight)) look_at_all(sight);
}

void Intake::look_at_queues(core::Sight& sight) const {
    for (const auto& entry : entries_) {
        for (const auto* const member : members_of(entry.address)) {
            if (member != nullptr) look_at_queue(*member, sight);
        }
    }
}

bool Intake::look_at_known(core::Sight& sight) {
    if (known_.empty()) return false;
    known_ = net::seen_again(known_).value_or(std::vector<net::Connection>{});
    for (const auto& connection : known_) count(connection, sight);
    return !known_.empty(); // that there is none left, is to be seen from scratch
}

// What moves, moves from the handshakes to the queue and on: what was not yet in the queue, is
// listed as a handshake or as a connection now. Those that are not accepted are counted as well:
// between the queue and its worker a connection has no inode for an instant.
void Intake::look_at_all(core::Sight& sight) {
    constexpr std::size_t most_known = 64; // to ask for more one by one takes as long as for all
    std::vector<const net::Listener*> listeners;
    for (const auto& entry : entries_) {
        // To the kernel all members of a TCP address are one port.
        const bool tcp = std::holds_alternative<net::TcpEndpoint>(entry.address.endpoint());
        for (const auto* const member : members_of(entry.address)) {
            if (member != nullptr && (!tcp || member == &entry.address.live())) {
                listeners.push_back(member);
            }
        }
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
        known = known && found.half_open == 0 && found.half_open_old == 0;
    }
    if (!known || known_.size() > most_known) known_.clear();
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

int Intake::old_queued() const {
    int queued = 0;
    for (const auto& entry : entries_) {
        const auto* const old = entry.address.old();
        if (old != nullptr && !old->queue_empty()) queued += old->queued().value_or(1);
    }
    return queued;
}

void Intake::leave_old() {
    for (auto& entry : entries_) entry.address.leave();
}

void Intake::give_up_new() {
    for (auto& entry : entries_) entry.address.give_up();
}

} // namespace sluice
