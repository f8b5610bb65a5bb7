#pragma once

#include <variant>

#include "init/net/endpoint.h"
#include "init/net/listener.h"

namespace sluice::net {

/// Closes a TCP intake where the kernel cannot hide a listener (before Linux 5.7 without
/// CAP_NET_RAW): one more member of the group whose accept queue is full, and a selector that sends
/// every new SYN there. They are dropped, so that clients are held off, not refused: each tries
/// again after 1 s. Queues and handshakes of the other members stay. It listens until it is
/// destroyed; what comes then, with no other member left, is refused.
///
/// The queue is filled by a connection of our own. Until that one is in, a user's must not get in
/// instead, since nobody would ever serve it: the parked listener takes only packets that come with
/// a TTL of 255, which ours have and those of clients have not (they start with 64 or 128, or lose
/// one at each router).
class Parked {
  public:
    /// `index` is the number of members that the group has now: the parked one comes after them.
    /// Refused: the selector is as it was, or `index_before` again.
    static std::variant<Parked, Refused> park(const Listener& member, unsigned index,
                                              unsigned index_before = 0);

    int descriptor() const { return listener_.descriptor(); }

  private:
    explicit Parked(Listener listener) : listener_(std::move(listener)) {}

    Listener listener_;
};

} // namespace sluice::net
