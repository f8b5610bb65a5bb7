#pragma once

#include <string>
#include <vector>

#include "init/core/event.h"
#include "init/net/address.h"

namespace sluice {

/// All addresses that users connect to, as the drain sees them: one intake. Owns them.
class Intake {
  public:
    Intake() = default;

    void add(net::Address address) { addresses_.push_back(std::move(address)); }

    /// From now on new connections are refused, at all addresses. Where the kernel refuses that for
    /// one of them: "open", with the reason.
    core::IntakeClosed close();

    /// The next best for those that could not be closed.
    core::IntakeClosed hold_off();

    /// Tells of the queues, the handshakes and the connections.
    void look(core::Sight& sight) const;

  private:
    std::vector<net::Address> addresses_;
    core::TimePoint hidden_since_ = core::TimePoint::max();
};

} // namespace sluice
