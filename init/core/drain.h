#pragma once

#include <optional>
#include <string>

#include "init/core/action.h"
#include "init/core/keep_alive.h"
#include "init/core/plan.h"

namespace sluice::core {

/// What is drained: the service, at a stop; or the generation whose place another has taken.
enum class Occasion { stop, retire };

/// The stop of one run, from the drain signal, or from the switch, to the last signal it is sent.
/// Pure, as the lifecycle is, which owns it and tells it what happens.
///
/// announcing  The intake is still open, so that balancers can learn of the stop (drain.announce).
/// queueing    The kernel cannot refuse new connections without losing the queue: the queue is let
///             run empty by itself first, so that handshakes are dropped for a short time only.
/// emptying    The intake is closed. The workers accept what waits in the queue.
/// finishing   Nothing waits. What is in flight is let finish, with no signal to anybody at work;
///             idle connections that clients keep are let go (KeepAlive).
/// held        Nothing is in flight, or it cannot be told. The signal waits until the service has
///             handlers, for FPM dies of one that comes before.
/// asked       The stop signal was sent.
/// terminated  The deadline: what is in flight was named, SIGTERM was sent.
/// killed      SIGKILL was sent.
///
/// A service whose listeners are its own goes from announcing to held. One that finishes what is
/// in flight by itself (Stop::finishes_itself) goes from emptying to held, and takes its time in
/// asked.
///
/// The master goes on running until there is nothing left to do, so it still forks for a pool of
/// kind "ondemand", reads what workers log and enforces request_terminate_timeout. Where it is
/// certain that nothing is in flight it is ended by SIGTERM, which takes FPM 9 ms; SIGQUIT has
/// every worker shut its modules down (16 idle ones: 114 ms on two cores), but cuts nobody, so it
/// is for where that is not certain.
class Drain {
  public:
    enum class Phase { announcing, queueing, emptying, finishing, held, asked, terminated, killed };

    /// `signal` is the one that asked for it, or 0.
    Drain(const Plan& plan, Occasion occasion, int signal, TimePoint since);

    /// Without a service it is the drain of what a dead master left behind: no signal is sent but
    /// to workers that finish by themselves, and who owns this sweeps them when it
    /// needs_no_master_any_more().
    /// With `orphans` some are left of an earlier master, whom nobody can ask.
    void begin(std::optional<pid_t> service, bool orphans, TimePoint now, Actions& actions);

    /// Not, where a stop found no service, and none could be started.
    bool has_begun() const { return begun_; }

    /// The master has ended, and something of its tree has not: true if that is let finish.
    /// `at_work`: it may be in the middle of something.
    bool goes_on_without_master(bool at_work, TimePoint now, Actions& actions);

    /// The same of a generation that is retired, whatever it was at.
    void go_on_without_master(Actions& actions);

    /// Where there is no master: what is left has had its time.
    bool needs_no_master_any_more() const;

    /// How many requests are being executed, as of the last look.
    int in_flight() const;

    /// Whoever is left has nothing in flight.
    bool found_all_idle() const { return certain_; }

    Phase phase() const { return phase_; }

    /// New connections have been refused for some time, or it was tried.
    bool closed_intake() const { return closing_.has_value(); }

    /// Nobody waits to be accepted any more.
    bool queue_emptied() const { return emptied_at_.has_value(); }

    void on(const Catches& event, TimePoint now, Actions& actions);
    void on(const IntakeClosed& event, TimePoint now, Actions& actions);
    void on(const Seen& event, TimePoint now, Actions& actions);
    void on(const CutNamed& event);
    void on(Timer timer, TimePoint now, Actions& actions);

    /// The deadline is then, if it was not to be earlier: the one of a stop counts for what is
    /// being retired, too.
    void end_by(TimePoint moment, Actions& actions);

    /// Shortens what is left to nothing. `by`: "a second INT".
    void hurry(const std::string& by, TimePoint now, Actions& actions);

    /// The service has ended with this exit code. Gives what to exit with.
    int ended(int exit_code, TimePoint now);

    TimePoint since() const { return since_; }

    bool has_ended() const { return ended_at_.has_value(); }

    std::optional<TimePoint> deadline() const { return deadline_; }

    /// All of the service has gone, and so many waited in its queues.
    void left_in_queue(int queued) { lost_in_queue_ = queued; }

    /// What must be over by then, or nothing.
    std::optional<TimePoint> last_moment() const;

    /// The closing line, which says how the stop ended, what became of the requests and what each
    /// phase took. `end` says how the service ended, empty if there was none.
    Message account(const std::string& end, int exit_code, TimePoint now) const;

    /// The same of a generation that was retired.
    Message account(int generation, TimePoint now) const;

  private:
    Which which() const { return occasion_ == Occasion::stop ? Which::live : Which::old; }

    void arm(Timer timer, TimePoint at, Actions& actions) const;
    std::chrono::milliseconds report_pause() const;
    void close_intake(TimePoint now, Actions& actions);
    void look_soon(TimePoint now, Actions& actions);
    void wait_for_queue(TimePoint now, Actions& actions);
    void finish_what_is_in_flight(TimePoint now, Actions& actions);
    bool all_idle_for_sure(TimePoint now);
    bool orphans_idle(TimePoint now);
    void let_keep_alive_go(TimePoint now, Actions& actions);
    void end(bool certain, TimePoint now, Actions& actions);
    void resume_paused(Actions& actions);
    void send_stop(TimePoint now, Actions& actions);
    void ask_orphans(TimePoint now, Actions& actions);
    bool finishes_by_itself_now() const;
    void report(TimePoint now, Actions& actions) const;
    void name_cut(Actions& actions);
    Message account(const std::string& begin, std::string_view event, TimePoint now) const;
    std::string how_it_ended() const;
    std::string what_each_phase_took() const;
    std::optional<std::int64_t> finished() const;
    void cut_short(TimePoint now, Actions& actions);
    void kill(Actions& actions);

    Occasion occasion_;
    Stop stop_;
    std::string name_;
    bool fpm_;
    bool all_tell_; // the workers of every pool
    bool signal_group_;
    int signal_;
    TimePoint since_;
    std::optional<TimePoint> deadline_;

    std::optional<pid_t> service_;
    bool orphans_ = false;
    bool begun_ = false;
    Phase phase_ = Phase::announcing;
    bool certain_ = false; // nothing was in flight: SIGTERM will do
    std::optional<Closing> closing_;
    TimePoint closing_since_;
    std::optional<TimePoint> closed_at_;
    std::optional<TimePoint> emptied_at_;
    std::optional<TimePoint> asked_at_;
    std::optional<TimePoint> ended_at_;
    std::chrono::microseconds pause_{0}; // until the next look
    std::optional<Sight> last_;
    bool seen_idle_ = false; // by the last look
    int in_vain_ = 0;        // how often in a row the workers did not answer
    std::optional<TimePoint> idle_since_;
    std::optional<int> fewest_queued_;
    TimePoint went_on_at_; // the queue
    bool stood_still_ = false;
    KeepAlive keep_alive_;
    std::optional<std::uint64_t> resets_at_first_;
    std::optional<std::uint64_t> served_at_first_;
    std::optional<std::uint64_t> served_;
    int busy_at_first_ = 0;
    int cut_ = 0;
    int lost_in_queue_ = 0;
    std::string hurried_by_; // empty: it was not
    bool died_ = false;      // of a signal that was not the stop's
};

} // namespace sluice::core
