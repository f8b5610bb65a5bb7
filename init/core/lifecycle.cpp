#include "init/core/lifecycle.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "init/core/words.h"
#include "signals/names.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A process that SIGKILL has not ended by then hangs in the kernel (a dead disk or network
// file system); waiting longer would only turn one hang into two.
constexpr milliseconds after_sweeping_kill = 1s;

bool is_suspending(int signal) {
    return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

} // namespace

const char* to_string(State state) {
    switch (state) {
    case State::idle: return "idle";
    case State::starting: return "starting";
    case State::running: return "running";
    case State::draining: return "draining";
    case State::sweeping: return "sweeping";
    case State::lingering: return "lingering";
    case State::backoff: return "backoff";
    case State::gone: return "gone";
    }
    return "?";
}

Lifecycle::Lifecycle(Plan plan)
    : plan_(std::move(plan)), pacer_(plan_.restarting.backoff, plan_.restarting.limit) {}

Actions Lifecycle::on(const Event& event, TimePoint now) {
    now_ = now;
    actions_.clear();
    if (state_ != State::gone) {
        std::visit([this](const auto& e) { handle(e); }, event);
    }
    return std::exchange(actions_, {});
}

void Lifecycle::say(Level level, std::string text, Fields fields) {
    actions_.emplace_back(Message{level, std::move(text), std::move(fields)});
}

// --- starting -----------------------------------------------------------------------------------

void Lifecycle::handle(const Start& /*event*/) {
    if (state_ == State::idle) spawn();
}

void Lifecycle::spawn() {
    state_ = State::starting;
    served_queue_ = drain_.has_value();
    spawned_at_ = now_;
    actions_.emplace_back(Spawn{.beside = orphans_ && orphans_->serve_alone()});
}

void Lifecycle::handle(const Spawned& event) {
    if (event.of == Which::next) {
        if (reload_ && reload_->phase() == Reload::Phase::starting) {
            reload_->on(event, now_, actions_);
        } else {
            actions_.emplace_back(DropNext{}); // it has been given up since
        }
        return;
    }
    if (state_ != State::starting || service_) return;
    service_ = event.pid;
    say(Level::debug, plan_.name + " started, pid " + std::to_string(event.pid),
        {{"event", "started"}, {"service_pid", event.pid}});
    if (drain_) { // it was started to serve what waits in the queue
        state_ = State::draining;
        drain_->begin(*service_, orphans_.has_value(), now_, actions_);
        return;
    }
    if (plan_.stop.hold > 0ms) {
        actions_.emplace_back(AwaitReady{event.pid});
    } else {
        state_ = State::running;
    }
}

void Lifecycle::handle(const SpawnFailed& event) {
    if (event.of == Which::next) {
        if (reload_) reload_->on(event, now_, actions_);
        reload_moved_on();
        return;
    }
    if (state_ != State::starting || service_) return;
    constexpr const char* how = "could not be started";
    if (event.passing && !drain_) {
        died(event.exit_code, how);
    } else {
        exit_code_ = event.exit_code;
        end_ = how;
    }
    if (orphans_ && !drain_) {
        leave_to_orphans(false);
    } else if (orphans_) { // they are at work, and hold what is in the queue
        state_ = State::draining;
        drain_->begin({}, true, now_, actions_);
    } else {
        swept();
    }
}

void Lifecycle::handle(const Ready& event) {
    if (event.pid == next_service()) {
        reload_->on(event, now_, actions_);
        return;
    }
    if (event.pid != service_ || replacing_) return;
    if (state_ == State::starting) {
        state_ = State::running;
        const auto took = now_ - spawned_at_;
        say(Level::info,
            plan_.name + (event.answers ? " answers" : " handles signals") + " after " +
                in_words(took) + ", pid " + std::to_string(event.pid),
            {{"event", "ready"}, {"service_pid", event.pid}, {"took_ms", count_ms(took)}});
        if (orphans_) orphans_->relieved(now_, actions_);
        reload_again();
    }
}

// --- signals ------------------------------------------------------------------------------------

void Lifecycle::handle(const DrainAsked& event) {
    if (event.signal == SIGINT) ++interrupts_;
    if (!drain_) {
        begin_drain(event);
        if (event.now) hurry("sluice stop --now");
        return;
    }
    // The first INT may be the one that began the drain, or one that an orchestrator sent after
    // its TERM; the second is somebody at a keyboard.
    if (event.now) {
        hurry("sluice stop --now");
    } else if (event.signal == SIGINT && interrupts_ >= 2) {
        hurry("a second INT");
    } else {
        const auto name = signals::name_of(event.signal);
        say(Level::info,
            (event.by_client ? "sluice stop" : "signal " + name) +
                ": already stopping, nothing changes",
            {{"event", "drain_repeated"}, {"signal", name}});
    }
}

void Lifecycle::handle(const ForwardAsked& event) {
    if (!service_) {
        const auto name = signals::name_of(event.signal);
        say(Level::info, "signal " + name + " dropped: " + plan_.name + " is not running",
            {{"event", "signal_dropped"}, {"signal", name}});
        return;
    }
    // A shell suspends and resumes whole process groups, and so does sluice in its place.
    const bool job_control = is_suspending(event.signal) || event.signal == SIGCONT;
    actions_.emplace_back(
        Send{*service_, event.signal, event.value, plan_.signal_group || job_control});
    reload_sent(event.signal);
}

void Lifecycle::handle(const Stopped& event) {
    if (event.pid == service_ && is_suspending(event.signal)) actions_.emplace_back(SuspendSelf{});
}

// --- stopping -----------------------------------------------------------------------------------

void Lifecycle::begin_drain(const DrainAsked& asked) {
    waiting_reload_.reset(); // first, or it would begin when the other one is given up
    abandon_reload("sluice is stopping");
    drain_.emplace(plan_, Occasion::stop, asked.signal, now_);
    bound_retiring();
    const auto name = signals::name_of(asked.signal);
    const auto limit = plan_.stop.deadline;
    say(Level::info,
        (asked.by_client ? std::string("sluice stop") : "signal " + name) + " from " +
            (asked.sender == 0 ? "outside" : "pid " + std::to_string(asked.sender)) +
            ": stopping " + plan_.name +
            (limit ? ", " + in_words(*limit) + " at most" : ", with no time limit"),
        {{"event", "drain"},
         {"signal", name},
         {"sender_pid", asked.sender},
         {"deadline_ms", limit ? limit->count() : 0}});
    switch (state_) {
    case State::starting:
    case State::running:
        if (replacing_ || !service_) break; // the run that is to come is drained
        state_ = State::draining;
        drain_->begin(*service_, orphans_.has_value(), now_, actions_);
        break;
    case State::sweeping:
        if (!plan_.stop.owns_listeners) restart_at_.reset();
        break;
    case State::backoff:
        if (orphans_) { // they are at work, and hold what is in the queue
            state_ = State::draining;
            drain_->begin({}, true, now_, actions_);
        } else if (plan_.stop.owns_listeners) {
            spawn(); // clients have been accepted by the kernel, and wait for a run
        } else {
            end_drain();
        }
        break;
    case State::idle: end_drain(); break;
    case State::draining:
    case State::lingering:
    case State::gone: break;
    }
}

void Lifecycle::hurry(const std::string& by) {
    say(Level::warning, by + ": the deadline is now", {{"event", "hurried"}});
    if (retiring_) retiring_->drain.hurry(by, now_, actions_);
    switch (state_) {
    case State::draining:
        drain_->hurry(by, now_, actions_);
        drain_went_on();
        break;
    case State::sweeping:
        if (!sweep_killed_) sweep_harder();
        break;
    case State::lingering: finish(); break;
    case State::idle:
    case State::starting:
    case State::running:
    case State::backoff:
    case State::gone: break;
    }
}

void Lifecycle::handle(const CutNamed& event) {
    if (event.of == Which::old) {
        if (retiring_) retiring_->drain.on(event);
    } else if (drain_) {
        drain_->on(event);
    }
}

void Lifecycle::handle(const Catches& event) {
    if (state_ == State::draining) drain_->on(event, now_, actions_);
}

void Lifecycle::handle(const IntakeClosed& event) {
    if (event.of == Which::old) {
        if (retiring_) retiring_->drain.on(event, now_, actions_);
    } else if (state_ == State::draining) {
        drain_->on(event, now_, actions_);
    }
}

void Lifecycle::handle(const Seen& event) {
    if (event.of == Which::old) {
        if (retiring_) retiring_->drain.on(event, now_, actions_);
    } else if (state_ == State::draining) {
        drain_->on(event, now_, actions_);
        drain_went_on();
    }
}

// Without a master there is nobody to send a signal to: what is left is swept, but for a generation
// that is finishing.
void Lifecycle::drain_went_on() {
    if (!service_ && !retiring_ && drain_->needs_no_master_any_more()) sweep();
}

// --- what is left of it -------------------------------------------------------------------------

void Lifecycle::sweep() {
    state_ = State::sweeping;
    sweep_killed_ = false;
    if (orphans_ && !retiring_) actions_.emplace_back(LeaveOld{});
    orphans_.reset(); // swept as well
    auto until = now_ + plan_.stop.kill_after;
    if (const auto last = drain_ ? drain_->last_moment() : std::nullopt) {
        // The remainder shares what time the drain has left, and no more.
        until = std::max(now_, std::min(until, *last));
    }
    actions_.emplace_back(Sweep{SIGTERM});
    actions_.emplace_back(Arm{Timer::sweep, until});
}

void Lifecycle::handle(const TreeEmpty& /*event*/) {
    if (state_ == State::sweeping || (state_ == State::draining && !service_ && !retiring_)) {
        swept();
    }
}

void Lifecycle::swept() {
    if (drain_ && std::exchange(restart_at_, std::nullopt)) {
        spawn(); // as in back-off
    } else if (retiring_ && !restart_at_) {
        // It finishes.
        if (drain_) {
            state_ = State::draining;
        } else {
            let_orphans_finish();
        }
    } else if (drain_) {
        end_drain();
    } else if (!restart_at_) {
        finish();
    } else {
        state_ = State::backoff;
        actions_.emplace_back(Arm{Timer::restart, *std::exchange(restart_at_, std::nullopt)});
    }
}

void Lifecycle::end_drain() {
    auto until = now_ + plan_.stop.linger;
    if (const auto last = drain_->last_moment()) until = std::min(until, *last);
    if (!plan_.stop.owns_listeners || until <= now_) {
        finish();
        return;
    }
    state_ = State::lingering;
    if (!drain_->closed_intake()) actions_.emplace_back(CloseIntake{}); // it never came to that
    say(Level::info,
        "new connections are refused for another " + in_words(until - now_) + " (drain.linger)",
        {{"event", "lingering"}});
    actions_.emplace_back(Arm{Timer::linger, until});
}

void Lifecycle::finish() {
    state_ = State::gone;
    if (drain_) {
        actions_.emplace_back(drain_->account(end_, mapped(plan_.map_exit, exit_code_), now_));
    }
    actions_.emplace_back(Finish{mapped(plan_.map_exit, exit_code_)});
}

// --- time ---------------------------------------------------------------------------------------

// A timer that the state no longer expects fired just before it was of no more use.
void Lifecycle::handle(const TimerFired& event) {
    if (event.of == Which::old) {
        if (retiring_) retiring_->drain.on(event.timer, now_, actions_);
        return;
    }
    if (event.of == Which::next) {
        if (reload_) reload_->on_time(event.missing, now_, actions_);
        reload_moved_on();
        return;
    }
    switch (event.timer) {
    case Timer::sweep:
        if (state_ == State::sweeping) sweep_harder();
        break;
    case Timer::restart:
        if (state_ == State::backoff) spawn();
        break;
    case Timer::linger:
        if (state_ == State::lingering) finish();
        break;
    case Timer::announce:
    case Timer::queue:
    case Timer::look:
    case Timer::report:
    case Timer::hold:
    case Timer::deadline:
    case Timer::kill:
        if (state_ != State::draining) break;
        drain_->on(event.timer, now_, actions_);
        drain_went_on();
        break;
    case Timer::reloaded:
        if (state_ == State::running && service_) actions_.emplace_back(CloseUnserved{*service_});
        break;
    case Timer::step: break; // the next generation's only
    case Timer::old:
    case Timer::retire:
        if (orphans_) orphans_->on(event.timer, now_, actions_);
        break;
    }
}

void Lifecycle::sweep_harder() {
    if (std::exchange(sweep_killed_, true)) {
        say(Level::error,
            "processes of " + plan_.name +
                " outlived SIGKILL (they hang in the kernel, or are another user's and sluice is "
                "without CAP_KILL: --cap-add KILL); going on without them",
            {{"event", "stuck"}});
        swept();
        return;
    }
    actions_.emplace_back(Sweep{SIGKILL});
    actions_.emplace_back(Arm{Timer::sweep, now_ + after_sweeping_kill});
}

} // namespace sluice::core
