#include "init/intake.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "init/fault_point.h"

namespace sluice {

namespace {

using core::Which;

// `on_port` is the step that a port takes.
std::string trouble_at(const net::Address& address, const char* on_port, int error) {
    return to_string(address.endpoint()) + ": " +
           (address.by_path() ? "removing the name" : on_port) + ": " +
           std::generic_category().message(error);
}

std::chrono::milliseconds since(core::TimePoint moment) {
    const auto now = core::TimePoint::clock::now();
    if (now < moment) return std::chrono::milliseconds(0);
    return std::chrono::duration_cast<std::chrono::milliseconds>(now - moment);
}

int queued_at(const net::Listener& listener) {
    return listener.queue_empty() ? 0 : listener.queued().value_or(1);
}

void append(std::string& text, const std::string& more) {
    if (!text.empty()) text += "; ";
    text += more;
}

} // namespace

std::vector<std::string> Intake::open(const std::vector<Wish>& wishes) {
    std::vector<std::string> problems;
    for (const auto& wish : wishes) {
        auto made = net::Address::open(wish.wanted);
        if (const auto* const refusal = std::get_if<net::Refused>(&made)) {
            problems.push_back(wish.of + ": " + explained(wish, *refusal, false).why);
        } else {
            entries_.push_back({wish, std::get<net::Address>(std::move(made)), Part::stays, {}});
        }
    }
    return problems;
}

// To the kernel an address that is part of one of ours is taken, as if by a stranger. To bind it
// all the same, by SO_REUSEPORT, would lead users there before it is proved: the more specific one
// wins as soon as it listens.
net::Refused Intake::explained(const Wish& wish, const net::Refused& refused,
                               bool reloading) const {
    if (refused.error != EADDRINUSE) return refused;
    for (const auto& entry : entries_) {
        if (!net::overlap(wish.wanted, entry.wish.wanted)) continue;
        return net::cannot_overlap(wish.wanted.endpoint, entry.address.endpoint(), entry.wish.of,
                                   reloading && entry.part == Part::stays);
    }
    return refused;
}

std::vector<std::pair<std::string, int>> Intake::newest() const {
    std::vector<std::pair<std::string, int>> all;
    for (const auto& entry : entries_) {
        if (entry.part == Part::goes) continue;
        const auto* const next = entry.address.next();
        const auto& listener = next != nullptr ? *next : entry.address.live();
        all.emplace_back(entry.next ? entry.next->key : entry.wish.key, listener.descriptor());
    }
    return all;
}

std::vector<std::pair<std::string, int>> Intake::old_ones() const {
    std::vector<std::pair<std::string, int>> all;
    for (const auto& entry : entries_) {
        const auto* const old = old_of(entry);
        if (old != nullptr) all.emplace_back(entry.old_key, old->descriptor());
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

// --- a next one beside the one before -----------------------------------------------------------

std::optional<core::CannotJoin> Intake::join(const std::vector<Wish>& wishes, Beside beside) {
    for (const auto& wish : wishes) {
        if (auto refused = join(wish, beside)) {
            give_up_new();
            return refused;
        }
    }
    // What is not wished for goes at the switch; nothing else tells it until then.
    next_wished_ = true;
    return {};
}

std::optional<core::CannotJoin> Intake::join(const Wish& wish, Beside beside) {
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
        return entry.address.endpoint() == wish.wanted.endpoint;
    });
    if (found == entries_.end()) {
        auto made = net::Address::open(wish.wanted);
        if (const auto* const refusal = std::get_if<net::Refused>(&made)) {
            return core::CannotJoin{wish.of + ": " + explained(wish, *refusal, true).why};
        }
        entries_.push_back({wish, std::get<net::Address>(std::move(made)), Part::joins, {}});
        return {};
    }
    if (beside == Beside::own) {
        if (auto refused = found->address.join(wish.wanted)) {
            return core::CannotJoin{wish.of + ": " + refused->why, refused->no_selector};
        }
    }
    found->next = wish;
    return {};
}

std::optional<core::CannotJoin> Intake::join() {
    std::vector<Wish> wishes;
    for (const auto& entry : entries_) {
        if (entry.part == Part::stays) wishes.push_back(entry.wish);
    }
    return join(wishes, Beside::own);
}

std::optional<net::WayIn> Intake::way_in(const std::string& key) {
    for (auto& entry : entries_) {
        if (entry.part == Part::joins && entry.wish.key == key) return entry.address.way_to_live();
        if (entry.next && entry.next->key == key) return entry.address.way_in();
    }
    return {};
}

std::string Intake::obstacle() const {
    for (const auto& entry : entries_) {
        if (!entry.next || entry.address.next() == nullptr || !entry.address.by_path()) continue;
        if (!entry.address.live().has_path()) {
            return to_string(entry.address.endpoint()) +
                   " is not sluice's any more: somebody has removed it or put something else "
                   "there; restart the container, which binds it again";
        }
    }
    return {};
}

std::string Intake::switch_over() {
    auto trouble = switch_addresses();
    if (!trouble.empty()) return trouble;
    change_roles();
    switched_at_ = core::TimePoint::clock::now();
    remember_old();
    return {};
}

// Selectors first: they can be set back whatever happens, a rename not everywhere.
std::string Intake::switch_addresses() {
    std::vector<Entry*> to_switch;
    for (const bool paths : {false, true}) {
        for (auto& entry : entries_) {
            const bool own = entry.next && entry.address.next() != nullptr; // not shared
            if (own && entry.address.by_path() == paths) to_switch.push_back(&entry);
        }
    }
    for (auto at = to_switch.begin(); at != to_switch.end(); ++at) {
        const bool last = at + 1 == to_switch.end();
        auto refused = last && fault_asked_for("switch")
                           ? net::cannot_listen((*at)->address.endpoint(), ENOMEM)
                           : (*at)->address.switch_over();
        if (!refused) continue;
        auto trouble = refused->why;
        while (at != to_switch.begin()) {
            if (const auto stays = (*--at)->address.switch_back()) append(trouble, stays->why);
        }
        return trouble;
    }
    return {};
}

void Intake::change_roles() {
    for (auto& entry : entries_) {
        if (entry.part == Part::joins) {
            entry.part = Part::stays;
            continue;
        }
        entry.old_key = entry.wish.key;
        if (entry.next) {
            entry.wish = *std::exchange(entry.next, std::nullopt);
            // A port's stays visible: the selector does not choose it, and a SYN that has just
            // found it would be dropped (address.h).
            if (entry.address.old() != nullptr && entry.address.by_path()) {
                entry.address.old()->hide();
            }
        } else if (next_wished_) {
            entry.part = Part::goes;
            entry.address.hide();
        }
    }
    next_wished_ = false;
}

std::string Intake::still_open() const {
    std::string all;
    for (const auto& entry : entries_) {
        if (entry.part == Part::goes && !entry.address.live().hidden()) {
            append(all, to_string(entry.address.endpoint()));
        }
    }
    return all;
}

const net::Listener* Intake::old_of(const Entry& entry) {
    return entry.part == Part::goes ? &entry.address.live() : entry.address.old();
}

std::vector<const net::Listener*> Intake::old_listeners() const {
    std::vector<const net::Listener*> all;
    for (const auto& entry : entries_) {
        const auto* const old = old_of(entry);
        if (old != nullptr && entry.wish.users) all.push_back(old);
    }
    return all;
}

std::vector<const net::Listener*> Intake::all_of_users() const {
    std::vector<const net::Listener*> all;
    for (const auto& entry : entries_) {
        if (!entry.wish.users) continue;
        for (const auto* const member :
             {&entry.address.live(), entry.address.old(), entry.address.next()}) {
            if (member != nullptr) all.push_back(member);
        }
    }
    return all;
}

bool Intake::old_empty() const {
    const auto all = old_listeners();
    const auto found = net::connections(all, since(switched_at_));
    if (found && std::ranges::any_of(*found, [](const auto& one) { return one.half_open > 0; })) {
        return false;
    }
    return std::ranges::all_of(all, [](const auto* old) { return old->queue_empty(); });
}

int Intake::old_queued() const {
    int all = 0;
    for (const auto* const old : old_listeners()) all += queued_at(*old);
    return all;
}

int Intake::queued(bool old) const {
    if (old) return old_queued();
    int all = 0;
    for (const auto& entry : entries_) {
        if (entry.part == Part::stays && entry.wish.users) all += queued_at(entry.address.live());
    }
    return all;
}

std::optional<int> Intake::queued_of(const std::string& pool) const {
    for (const auto& entry : entries_) {
        if (entry.part != Part::stays || !entry.wish.users) continue;
        if (entry.wish.of == "pool " + pool) return queued_at(entry.address.live());
    }
    return {};
}

void Intake::shut(core::Which which) {
    const bool old = which == Which::old;
    for (auto& entry : entries_) {
        if (old == (entry.part == Part::goes)) {
            entry.address.live().shut();
        } else if (old && entry.address.by_path()) {
            if (entry.address.old() != nullptr) entry.address.old()->shut();
        } else if (old) {
            entry.address.leave(); // the kernel finds a port's connections by the port
        }
    }
}

void Intake::leave_old() {
    for (auto& entry : entries_) {
        if (entry.part == Part::goes) {
            entry.address.shut();
        } else {
            entry.address.leave();
        }
    }
    std::erase_if(entries_, [](const Entry& entry) { return entry.part == Part::goes; });
    old_.clear();
}

void Intake::give_up_new() {
    for (auto& entry : entries_) {
        if (entry.part == Part::joins) {
            entry.address.shut();
        } else {
            entry.address.give_up();
        }
        entry.next.reset();
    }
    std::erase_if(entries_, [](const Entry& entry) { return entry.part == Part::joins; });
    next_wished_ = false;
}

// --- the drain ----------------------------------------------------------------------------------

core::IntakeClosed Intake::close(Which which) {
    if (which == Which::old) return {core::Closing::refused, {}, which};
    if (fault_asked_for("bindtoifindex")) return {core::Closing::open, "as a test wants it", which};
    core::IntakeClosed closed{core::Closing::refused, {}, which};
    for (auto& entry : entries_) {
        // On the user's own pm.status_listen FPM is asked for its status.
        const int error = entry.wish.users ? entry.address.hide() : 0;
        if (error != 0) {
            closed = {core::Closing::open, trouble_at(entry.address, "SO_BINDTOIFINDEX", error),
                      which};
        }
    }
    closed_ = closed.way != core::Closing::open;
    return closed;
}

core::IntakeClosed Intake::hold_off() {
    core::IntakeClosed closed{core::Closing::held_off, {}};
    for (auto& entry : entries_) {
        if (!entry.wish.users || entry.address.live().hidden()) continue;
        if (const int error = entry.address.hold_off(); error != 0) {
            closed = {core::Closing::open,
                      trouble_at(entry.address, "SO_ATTACH_REUSEPORT_CBPF", error)};
        }
    }
    closed_ = closed.way != core::Closing::open;
    return closed;
}

} // namespace sluice
