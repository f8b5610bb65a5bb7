#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "init/core/event.h"
#include "init/net/address.h"
#include "init/net/diag.h"

namespace sluice {

/// A listener that a generation is to have.
struct Wish {
    std::string of;     // for messages: "pool www", "nginx"
    std::string key;    // what FPM calls it
    net::Wanted wanted; // how it is made
    bool users = true;  // users connect to it; false: the user's own pm.status_listen
};

/// All addresses that the service listens on, over all of its generations. Owns them.
class Intake {
  public:
    Intake() = default;

    /// Binds the first generation's. Gives what could not be bound, each one a sentence; with any
    /// of these nothing is to be used.
    std::vector<std::string> open(const std::vector<Wish>& wishes);

    /// Key and descriptor of each listener that the newest run is to have.
    std::vector<std::pair<std::string, int>> newest() const;

    /// The same of the old generation's.
    std::vector<std::pair<std::string, int>> old_ones() const;

    /// Closes the listeners that are not among these open files ("socket:[4711]") of the service,
    /// and gives their addresses.
    std::vector<std::string> keep_those_of(const std::vector<std::string>& open_files);

    // A next generation beside the live one, or a next run beside what is left of the one before
    // (net::Address has the instants).

    enum class Beside {
        own,   // it has listeners of its own
        shared // it has those of the live one; only what it alone listens on is its own
    };

    /// Makes the next generation's; nobody gets there yet. What is wished for and not there is
    /// bound, what is there and not wished for goes at the switch. All of them, or none and why.
    std::optional<core::CannotJoin> join(const std::vector<Wish>& wishes, Beside beside);

    /// The same for a next run of the same generation.
    std::optional<core::CannotJoin> join();

    /// How sluice itself gets to the next generation's listener that FPM calls by this key, before
    /// users do. Nothing where that one is shared, or the kernel does not let.
    std::optional<net::WayIn> way_in(const std::string& key);

    /// Why users could not be led to the next generation's now; empty: they can.
    std::string obstacle() const;

    /// New connections go to the next ones; the live ones are old from now on: at all addresses,
    /// within microseconds, or at none. Gives what went wrong; empty: nothing. Then users are where
    /// they were (but for what the sentence says), and the next ones are to be given up.
    std::string switch_over();

    /// Addresses that are to go, after the switch, and that the kernel does not let be hidden.
    /// Empty: none.
    std::string still_open() const;

    /// Nothing waits at the old ones any more, no handshake either.
    bool old_empty() const;

    /// How many wait there, handshakes aside.
    int old_queued() const;

    /// Ends listening, for every process that has these listeners: the workers leave by themselves
    /// when they have nothing to do. After the queue is empty and the master has been told to stop.
    /// What they are at can be looked at until leave_old().
    void shut(core::Which which);

    void leave_old();
    void give_up_new();

    /// How many connections wait to be accepted: at the old ones, or at those that users come to.
    int queued(bool old) const;

    /// The same at the listener of one pool ("www") that users come to; nothing: there is none.
    std::optional<int> queued_of(const std::string& pool) const;

    /// From now on new connections are refused, at all addresses. Where the kernel refuses that for
    /// one of them: "open", with the reason. The old ones are closed by the switch.
    core::IntakeClosed close(core::Which which);

    /// The next best for those that could not be closed, at a stop.
    core::IntakeClosed hold_off();

    /// Tells of the queues, the handshakes and the connections. Of the live generation: those of
    /// all, for the kernel lists TCP connections by their port.
    void look(core::Sight& sight, core::Which which);

  private:
    enum class Part { stays, joins, goes };

    struct Entry {
        Wish wish; // the live generation's, or the only one that has it
        net::Address address;
        Part part = Part::stays;  // joins: the next generation's alone; goes: the old one's
        std::optional<Wish> next; // the next generation's
        std::string old_key = {};
    };

    static const net::Listener* old_of(const Entry& entry);
    std::vector<const net::Listener*> old_listeners() const;
    std::vector<const net::Listener*> all_of_users() const;
    std::optional<core::CannotJoin> join(const Wish& wish, Beside beside);
    net::Refused explained(const Wish& wish, const net::Refused& refused, bool reloading) const;
    std::string switch_addresses();
    void change_roles();
    bool look_at_known(core::Sight& sight);
    void look_at_all(core::Sight& sight);
    void look_at_old(core::Sight& sight);
    void remember_old();
    bool refresh_old();

    std::vector<Entry> entries_;
    bool next_wished_ = false; // what has no `next` is to go
    bool closed_ = false;
    std::vector<net::Connection> known_; // all that there are, if no other can come any more
    std::vector<net::Connection> old_;   // TCP: what was there at the switch, handshakes included
    bool old_known_ = false;
    core::TimePoint switched_at_ = core::TimePoint::max();
};

} // namespace sluice
