#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "init/core/lifecycle.h"
#include "tests/unit/dice.h"

namespace sluice::core {

/// What must hold did not.
struct Violation {
    std::string what;
};

/// Around a lifecycle, in the place of the supervisor: processes, listeners and clocks that are
/// there on paper only, and behave as the real ones may. What it is told to do that must never be
/// done, and a state that must never be, is a Violation.
///
/// Events come one after another, those that an action brings about before any other. What takes
/// time (checks, boots, looks) is an open question until answer().
class Shell {
  public:
    Shell(Dice& dice, Plan plan);

    const Lifecycle& lifecycle() const { return lifecycle_; }

    TimePoint now() const { return now_; }

    void pass(config::Duration time) { now_ += time; }

    void feed(Event event);

    /// Answers one of the open questions; `well` as nicely as can be. False: none is open.
    bool answer(bool well);

    /// The clock that is due first, and the time is then. False: none is set.
    bool fire_next_clock();

    /// One of those processes ends that have been killed; or `told` to end, or whose listener was
    /// shut; or `any`. False: there is none.
    enum class Whose { killed, told, any };
    bool end_one(Whose whose);

    /// Something that PHP has started, and that nobody is going to wait for.
    void start_stray() { stray_ = stray_ || live_; }

    bool finished() const { return finished_; }

    /// The sweep was given up: SIGKILL did not end what it was sent to.
    bool stuck() const { return stuck_; }

    /// Up, alone, and with nothing to do.
    bool at_rest() const;

    bool has_all_it_was_asked_for() const { return !wanted_; }

    /// Every event and action so far, a line each, if they are kept.
    bool keep_trail = false;
    std::string trail;

  private:
    struct Run {
        pid_t pid = 0;
        int listener = 0;
        bool told = false;   // by a signal, to end
        bool killed = false; // its whole group
    };

    // The workers of a dead master.
    struct Orphaned {
        int listener = 0;
        bool retiring = false; // of the generation before
        bool told = false;
        bool killed = false;
    };

    enum class Question { turn, prepared, warmed, proved, up, handlers, look, look_at_old };

    struct Asked {
        Question what;
        pid_t pid = 0; // proved, up, handlers
    };

    void handle(const Event& event);
    void note(const Event& event);
    void check();
    void check_owner();

    void execute(const Message& /*message*/) {}

    void execute(const Spawn& action);
    void execute(const TakeTurn& action);
    void execute(const PrepareNext& action);
    void execute(const WarmUp& action);
    void execute(const Promote& action);
    void execute(const DropNext& action);
    void execute(const DropOld& action);
    void execute(const EndTurn& action);
    void execute(const SwitchOver& action);
    void execute(const LookAtOld& action);
    void execute(const ShutOld& action);
    void execute(const LeaveOld& action);
    void execute(const SignalOrphans& action);
    void execute(const AwaitReady& action);
    void execute(const AwaitHandlers& action);
    void execute(const CloseIntake& action);
    void execute(const HoldOff& action);
    void execute(const Look& action);
    void execute(const Send& action);
    void execute(const Sweep& action);
    void execute(const NameCut& action);
    void execute(const Arm& action);
    void execute(const Finish& action);

    void execute(const CloseUnserved& /*action*/) {}

    void execute(const Pause& /*action*/) {}

    void execute(const Resume& /*action*/) {}

    void execute(const Release& /*action*/) {}

    void execute(const SuspendSelf& /*action*/) {}

    void ask(Question what, pid_t pid = 0);
    void answer_prepared(bool well);
    Sight calm_sight() const;
    bool joins(const Spawn& action);
    void spawn_old();
    void end(std::optional<Run>& run, bool leaves_workers);
    void end_orphaned(std::size_t which);
    bool any_orphaned(bool retiring) const;
    void signal_orphaned(int signal, bool retiring);
    bool is_shut(int listener) const;
    bool tree_is_empty() const;
    void must(bool holds, const char* what) const;

    Dice& dice_;
    Plan plan_;
    Lifecycle lifecycle_;
    TimePoint now_{};
    std::deque<Event> events_;
    std::map<std::pair<Timer, Which>, TimePoint> clocks_;
    std::vector<Asked> questions_;

    // Who is there.
    std::optional<Run> live_;
    std::optional<Run> next_;
    std::optional<Run> old_;
    std::vector<Orphaned> orphaned_;
    bool stray_ = false;
    bool stray_killed_ = false;
    bool spawn_failed_ = false; // after that nothing is swept: no child may be left to tell of it
    pid_t next_pid_ = 100;

    // The listeners of one address.
    int users_ = 1; // users get there
    int listeners_ = 1;
    std::optional<int> joined_; // nobody gets there yet
    std::optional<int> left_;   // what is still in its queue came before the switch

    // The reload.
    config::Strategy strategy_;
    config::Strategy next_strategy_;
    bool wanted_ = false;      // one was asked for, and has not been begun or refused
    bool made_ = false;        // it is being made, and neither switched to nor given up
    bool turn_ = false;        // it is this container's
    bool was_delayed_ = false; // before the event at hand
    bool by_signal_ = false;   // it is the service's own, and to be sent now
    bool proved_ = false;
    bool warmed_ = false;
    bool switched_ = false; // users are there already, and this one is not live
    int spawned_for_it_ = 0;
    int spawned_again_ = 0; // the old one's

    bool drained_ = false;
    bool sweep_killed_ = false;
    bool stuck_ = false;
    bool finished_ = false;
};

} // namespace sluice::core
