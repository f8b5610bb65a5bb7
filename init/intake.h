#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "init/core/event.h"
#include "init/net/address.h"
#include "init/net/diag.h"

namespace sluice {

/// All addresses that users connect to, as the drain sees them: one intake. Owns them.
class Intake {
  public:
    Intake() = default;

    /// `key` is what FPM calls it; `wanted` is how it was made, and how a second listener is.
    void add(std::string key, net::Wanted wanted, net::Address address);

    /// Key and descriptor of each listener that the newest run is to have.
    std::vector<std::pair<std::string, int>> newest() const;

    /// Closes the listeners that are not among these open files ("socket:[4711]") of the service,
    /// and gives their addresses.
    std::vector<std::string> keep_those_of(const std::vector<std::string>& open_files);

    // A next run beside what is left of the one before (net::Address has the instants).

    /// A second listener for each address; nobody gets there yet. All of them, or none and why.
    std::optional<std::string> join();

    /// New connections go to the second ones; the first ones are old from now on. Gives what went
    /// wrong; empty: nothing.
    std::string switch_over();

    /// Nothing waits at the old ones any more, no handshake either.
    bool old_empty() const;

    /// How many wait there, handshakes aside.
    int old_queued() const;

    void leave_old();
    void give_up_new();

    /// From now on new connections are refused, at all addresses. Where the kernel refuses that for
    /// one of them: "open", with the reason.
    core::IntakeClosed close();

    /// The next best for those that could not be closed.
    core::IntakeClosed hold_off();

    /// Tells of the queues, the handshakes and the connections.
    void look(core::Sight& sight);

  private:
    struct Entry {
        std::string key;
        net::Wanted wanted;
        net::Address address;
    };

    void look_at_queues(core::Sight& sight) const;
    bool look_at_known(core::Sight& sight);
    void look_at_all(core::Sight& sight);

    std::vector<Entry> entries_;
    bool closed_ = false;
    std::vector<net::Connection> known_; // all that there are, if no other can come any more
    core::TimePoint switched_at_ = core::TimePoint::max();
};

} // namespace sluice
