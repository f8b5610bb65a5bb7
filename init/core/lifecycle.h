#pragma once

#include <optional>
#include <vector>

#include "init/core/action.h"
#include "init/core/drain.h"
#include "init/core/orphans.h"
#include "init/core/plan.h"
#include "init/core/reload.h"

namespace sluice::core {

/// The life of the container, as a pure function of state, event and time: no clock, no system
/// call, no log inside. It is told what happened and answers with what to do.
///
///   idle -> starting -> running -> draining -> sweeping -> lingering -> gone
///              ^                                  |
///              +------------- backoff <-----------+   (the service died by itself)
///
/// starting  A run was spawned. A service that is to be stopped by a signal which it must first
///           learn to catch (Stop::hold) is ready when it catches it; any other at once.
/// running   Signals are forwarded. The only way out is the end of the service, or a drain.
/// draining  The stop of the run: see Drain. A repeated drain signal changes nothing, for
///           orchestrators repeat; a second INT hurries it.
/// sweeping  The service has ended. What is left of its process tree gets SIGTERM, then SIGKILL;
///           then sluice ends, or goes on to backoff. No run is started beside a remainder, for it
///           may hold the port.
/// lingering The service has ended after a drain, and nothing is left of it. New connections are
///           refused for a while, for the address of a container that is gone does not refuse.
/// backoff   Waiting to start the service again. A reload starts it at once; so does a drain, if
///           clients may wait in queues that are sluice's, and otherwise ends sluice.
/// gone      Finish has been given; nothing happens any more.
///
/// A reload goes on beside all this, in `running`: a next generation is started and proves itself
/// (see Reload), becomes the live one, and the one before is retired (see Drain). There are two
/// generations at most, so that what is asked for meanwhile waits, as one reload. A drain gives up
/// a generation that has not proved itself, and lets one that is being retired finish within its
/// own deadline. If that one's master dies, its workers finish without; if all of it dies and
/// leaves somebody in its queue, it is started once more for them. If the live one dies, what has
/// not proved itself is given up, and the reload is done again when the service is up.
///
/// Where the master of a service dies whose listeners are sluice's, its workers are not swept: see
/// Orphans. The next run is started beside them. If there is to be none, they are drained.
///
/// Invariants (tests/unit/lifecycle_property.cpp): at most one run; no signal to a run after its
/// exit; after a drain began at most one spawn of the service, and only where there was no run;
/// Finish once; in every state every event has an answer.
enum class State { idle, starting, running, draining, sweeping, lingering, backoff, gone };

class Lifecycle {
  public:
    explicit Lifecycle(Plan plan);

    /// Takes an event that happened at `now` and gives what is to be done, in order.
    Actions on(const Event& event, TimePoint now);

    State state() const { return state_; }

    /// The run's process; nothing while there is none.
    std::optional<pid_t> service() const { return service_; }

    /// The masters of the two generations that may be beside it.
    std::optional<pid_t> next_service() const { return reload_ ? reload_->master() : std::nullopt; }

    std::optional<pid_t> old_service() const {
        return retiring_ ? retiring_->master : std::nullopt;
    }

    /// A next generation is being made, or waits for its turn.
    bool reloading() const { return reload_ && reload_->phase() < Reload::Phase::leaving; }

    /// Its turn has not come yet.
    bool waits_for_turn() const { return reload_ && reload_->phase() == Reload::Phase::queued; }

    /// The number of the generation, from 1; 0: there is none.
    int generation(Which which) const;

  private:
    void handle(const Start& event);
    void handle(const Spawned& event);
    void handle(const SpawnFailed& event);
    void handle(const Ready& event);
    void handle(const DrainAsked& event);
    void handle(const ReloadAsked& event);
    void handle(const ForwardAsked& event);
    void handle(const Exited& event);
    void handle(const Stopped& event);
    void handle(const TreeEmpty& event);
    void handle(const CutNamed& event);
    void handle(const Catches& event);
    void handle(const IntakeClosed& event);
    void handle(const Seen& event);
    void handle(const OrphansGone& event);
    void handle(const CannotJoin& event);

    void handle(const TurnTaken& event) { tell_reload(event); }

    void handle(const NextPrepared& event) { tell_reload(event); }

    void handle(const WarmedUp& event) { tell_reload(event); }

    void handle(const Switched& event);
    void handle(const SwitchFailed& event);
    void handle(const OldUnserved& event);
    void handle(const OldSeen& event);
    void handle(const TimerFired& event);

    void spawn();
    void leave_to_orphans(bool of_this_run);
    void let_orphans_finish();
    void drain_without_run();
    void replace_run();
    void start_for_reload(const ReloadAsked& asked);
    void have_service_reload();
    void reload_sent(int signal);
    void refuse_reload();
    void begin_reload(const ReloadAsked& asked);

    template <typename Step>
    void tell_reload(const Step& event) {
        if (reload_) reload_->on(event, now_, actions_);
        reload_moved_on();
    }

    void abandon_reload(const std::string& why);
    void put_reload_off();
    void reload_moved_on();
    void switch_to_next();
    void bound_retiring();
    void retiring_master_ended(const Exited& event);
    void retiring_went_on();
    void retire_again(pid_t master);
    void none_left_of_retiring(int queued, bool tree_empty);
    void reload_again();
    void drain_went_on();
    void begin_drain(const DrainAsked& asked);
    void hurry(const std::string& by);
    void sweep();
    void sweep_harder();
    void swept();
    void died(int exit_code, const std::string& how);
    void end_drain();
    void finish();
    void say(Level level, std::string text, Fields fields = {});

    // A generation that users came to before the switch.
    struct Retiring {
        int generation;
        std::optional<pid_t> master;
        Plan plan;
        Drain drain;
        int exit_code = 0;          // of its master
        int queued = 0;             // when nobody was left of it
        bool started_again = false; // for those
    };

    Plan plan_;
    RestartPacer pacer_;
    State state_ = State::idle;
    std::optional<pid_t> service_;
    TimePoint spawned_at_;
    int exit_code_ = 0;   // of the last run
    std::string end_;     // of the last run, in words
    int generation_ = 1;  // the live one's number
    int generations_ = 1; // that there were
    std::optional<Reload> reload_;
    std::optional<Retiring> retiring_;
    std::optional<ReloadAsked> waiting_reload_; // until the service is up, or alone
    int interrupts_ = 0;
    std::optional<Drain> drain_;
    std::optional<Orphans> orphans_;
    bool served_queue_ = false; // a run was started in the drain, for who waited
    bool replacing_ = false;    // the run is ended by sluice, to be started on other listeners
    std::optional<TimePoint> restart_at_; // set while sweeping: what comes after it
    bool sweep_killed_ = false;

    // Of the event being handled.
    TimePoint now_;
    Actions actions_;
};

const char* to_string(State state);

} // namespace sluice::core
