#pragma once

#include <optional>
#include <string>

#include "init/core/action.h"

namespace sluice::core {

/// What is left of a run whose master died while its workers live on: they hold its listeners and
/// go on serving. The next run gets listeners of its own for the same addresses, and when it is up
/// the new connections go there. Pure; the lifecycle owns it.
///
/// serving     They are the only ones who serve, until the next run is up.
/// emptying    The switch is done. They accept what waits in the old queues.
/// leaving     The old listeners are shut: whoever is idle leaves by itself, who is busy after its
///             request. No signal is sent to anybody. A stop sees by these listeners what they are
///             at (of a path the kernel tells nothing else), so they are there until all have
///             gone.
/// terminated  Time is up: SIGTERM was sent.
/// killed      SIGKILL was sent.
///
/// Where the kernel lets no two listeners share an address, and where another master dies before
/// these have gone, the next run shares the listeners that are there. The workers that have them
/// would go on accepting for ever, so they get SIGQUIT, which FPM's workers take as "finish and
/// go"; it cuts a sleep() short, nothing else.
///
/// nginx's always share (Stop::finishes_itself): SIGQUIT has them leave the listener to others and
/// finish, and costs nobody anything. A listener that is shut under them would make them spin.
class Orphans {
  public:
    enum class Phase { serving, emptying, leaving, terminated, killed };

    Orphans(std::string name, config::Duration kill_after, TimePoint since)
        : name_(std::move(name)), kill_after_(kill_after), since_(since) {}

    /// The next run cannot have listeners of its own.
    void share() { shared_ = true; }

    /// Workers of another dead master have come to them: they serve until the next run is up.
    void join_in();

    Phase phase() const { return phase_; }

    /// Nobody else serves, and the next run is to have listeners of its own.
    bool serve_alone() const { return phase_ == Phase::serving && !shared_; }

    /// New connections could not be led to the next run: they go on serving, and the one that comes
    /// instead shares their listeners.
    void stay();

    /// The next run is up.
    void relieved(TimePoint now, Actions& actions);

    void on(const OldSeen& event, TimePoint now, Actions& actions);
    void on(Timer timer, TimePoint now, Actions& actions);

    /// Those who have the old listeners have gone, and left so many in their queues; others, who
    /// joined in, have not.
    void old_unserved(int queued, Actions& actions);

    /// The last of them has gone, and left so many in its queues.
    void gone(int queued, TimePoint now, Actions& actions);

  private:
    void leave(Actions& actions);

    std::string name_;
    config::Duration kill_after_;
    TimePoint since_;
    bool shared_ = false;
    Phase phase_ = Phase::serving;
    bool switched_ = false;              // away from their listeners, or some of them
    bool left_ = false;                  // the old listeners
    std::chrono::milliseconds pause_{0}; // until the next look
};

} // namespace sluice::core
