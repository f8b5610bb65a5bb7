#pragma once

#include <memory>
#include <optional>
#include <variant>

#include "init/net/listener.h"
#include "init/net/parked.h"
#include "init/net/way_in.h"

namespace sluice::net {

/// What users connect to: owns the listener that takes new connections, and at most one more. Its
/// life, with each member's index in the reuseport group (TCP) and the selector's value:
///
///                       live     the other one   selector
///     alone             0        -               0
///     join()            0        next() 1        0   next(): no user gets there
///     way_in()          0        next() 1        own ports 1, else 0
///     switch_over()     1        old() 0         1   one setsockopt, or one rename
///     a path: old()->hide()
///     empty the old one's queue, stop its master
///     leave()           0        -               0
///
/// The instants. Before the joining one listens the selector is set to 0, so that it takes nothing.
/// A connection belongs to the listener that saw its SYN: at the switch queue and handshakes of the
/// old one stay with it. When the old one leaves, the live one moves from index 1 to 0; until the
/// selector is set to 0, 1 is out of range and the kernel hashes over one member, the live one. A
/// third one may join only after that. Of several members the one that is selected is hidden last.
///
/// The old one of a port is not hidden: the selector never picks it, and hiding has a price. A SYN
/// for which the kernel has found the listener but not yet a route is dropped if the listener is
/// bound to the absent interface in between, and its client tries again after 1 s
/// (tests/net/load.cpp met that about once in 2,000 switches). So it is hidden when it goes, long
/// after that. Only hide() of all must pay it: there the client's second SYN is refused as the
/// first should have been. Where hide() is refused (Linux before 5.7) hide() of all needs
/// hold_off() instead.
///
/// A path: the two exchange their names instead, and to hide the old one is to remove what it has
/// then. Where the file system cannot exchange (NFS), or the public name has vanished, it is a
/// rename over that; the old one's name is gone with that.
///
/// Not to be called in another order: what does not fit the state is refused with EBUSY or EINVAL.
class Address {
  public:
    /// Binds and listens (listener.h).
    static std::variant<Address, Refused> open(const Wanted& wanted);

    const Endpoint& endpoint() const { return live_.endpoint(); }

    /// A unix socket; else TCP.
    bool by_path() const;

    /// Takes new connections.
    Listener& live() { return live_; }

    const Listener& live() const { return live_; }

    /// Joined and not yet switched to; null: none.
    Listener* next() { return next_ ? &*next_ : nullptr; }

    const Listener* next() const { return next_ ? &*next_ : nullptr; }

    /// Was live before the switch; null: none.
    Listener* old() { return old_ ? &*old_ : nullptr; }

    const Listener* old() const { return old_ ? &*old_ : nullptr; }

    /// Makes next(). Refused with everything as it was: the endpoint must be this one, and neither
    /// a next nor an old one there. Where the kernel has no selector (gVisor) the sentence says to
    /// share one listener.
    std::optional<Refused> join(const Wanted& wanted);

    /// How sluice itself gets to next(). It ends, whoever has a copy, with switch_over(),
    /// give_up(), hide(), hold_off() and shut(). Nothing: there is no next(), or (never seen) the
    /// kernel does not tell whether it takes IPv4.
    std::optional<WayIn> way_in() const;

    /// The same where live() is alone: the first generation that has this address.
    std::optional<WayIn> way_to_live();

    /// next() becomes live, live becomes old(). Refused: all is as it was.
    std::optional<Refused> switch_over();

    /// Right after switch_over(), before anything is done about old(): that is live again, and the
    /// other one next(), to be given up. What has connected meanwhile waits there. TCP: always
    /// done; if need be next() is shut for it. Refused: a path was renamed and not exchanged, and
    /// nobody gets to the listener that is live again.
    std::optional<Refused> switch_back();

    /// Rollback: next() is shut and gone, connections in its queue (our own warm-up) with it.
    void give_up();

    /// old(), whose queue is empty and whose master is stopped, is shut and gone.
    void leave();

    /// Closes the intake: hides every listener of this address. For good. 0, or errno: the one that
    /// new connections are sent to is open.
    int hide();

    /// The next best, for TCP: SYNs are dropped, and the client tries again after 1 s. 0, or errno:
    /// the intake is open.
    int hold_off();

    /// Shuts every listener, what still waits in a queue is lost, and next() and old() are gone.
    /// After hide(), empty queues and stopped masters.
    void shut();

  private:
    explicit Address(Listener live) : live_(std::move(live)) {}

    std::optional<Refused> take_over_path();

    unsigned live_index() const { return old_ ? 1 : 0; }

    Listener live_;
    std::optional<Listener> next_;
    std::optional<Listener> old_;
    std::shared_ptr<Steering> steering_; // with next() only, and nobody else keeps it alive
    std::optional<Parked> parked_;
};

} // namespace sluice::net
