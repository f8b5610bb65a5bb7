#include "init/core/lifecycle.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <utility>

#include "signals/names.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A process that SIGKILL has not ended by then hangs in the kernel (a dead disk or network
// file system); waiting longer would only turn one hang into two.
constexpr milliseconds after_sweeping_kill = 1s;

std::int64_t count_ms(std::chrono::nanoseconds duration) {
    return std::chrono::duration_cast<milliseconds>(duration).count();
}

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
    case State::backoff: return "backoff";
    case State::gone: return "gone";
    }
    return "?";
}

std::string in_words(std::chrono::nanoseconds duration) {
    const auto ms = count_ms(duration);
    if (ms < 1'000) return std::to_string(ms) + " ms";
    if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + " s";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1'000);
    return text.data();
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
    spawned_at_ = now_;
    actions_.emplace_back(Spawn{});
}

void Lifecycle::handle(const Spawned& event) {
    if (state_ != State::starting || service_) return;
    service_ = event.pid;
    say(Level::debug, plan_.name + " started, pid " + std::to_string(event.pid),
        {{"event", "started"}, {"service_pid", event.pid}});
    if (plan_.stop.hold > 0ms) {
        actions_.emplace_back(AwaitReady{event.pid});
    } else {
        state_ = State::running;
    }
}

void Lifecycle::handle(const SpawnFailed& event) {
    if (state_ != State::starting || service_) return;
    constexpr const char* how = "could not be started";
    if (event.passing) {
        died(event.exit_code, how);
    } else {
        exit_code_ = event.exit_code;
        end_ = how;
    }
    swept();
}

void Lifecycle::handle(const Ready& event) {
    if (event.pid != service_) return;
    if (state_ == State::starting) {
        state_ = State::running;
        const auto took = now_ - spawned_at_;
        say(Level::info,
            plan_.name + " handles signals after " + in_words(took) + ", pid " +
                std::to_string(event.pid),
            {{"event", "handles_signals"},
             {"service_pid", event.pid},
             {"took_ms", count_ms(took)}});
        if (std::exchange(reload_asked_, false)) handle(ReloadAsked{});
    } else if (state_ == State::draining && drain_->phase == Phase::held) {
        send_stop();
    }
}

// --- signals ------------------------------------------------------------------------------------

void Lifecycle::handle(const DrainAsked& event) {
    if (event.signal == SIGINT) ++interrupts_;
    if (!drain_) {
        begin_drain(event);
        return;
    }
    // The first INT may be the one that began the drain, or one that an orchestrator sent after
    // its TERM; the second is somebody at a keyboard.
    if (event.signal == SIGINT && interrupts_ >= 2) {
        hurry();
    } else {
        const auto name = signals::name_of(event.signal);
        say(Level::info, "signal " + name + ": already stopping, nothing changes",
            {{"event", "drain_repeated"}, {"signal", name}});
    }
}

void Lifecycle::handle(const ReloadAsked& /*event*/) {
    switch (state_) {
    case State::running: {
        const int signal = plan_.reload_signal.value_or(SIGHUP);
        say(Level::info,
            "reload: signal " + signals::name_of(signal) + " to " + plan_.name +
                ", which reloads by itself",
            {{"event", "reload"}});
        actions_.emplace_back(Send{*service_, signal, {}});
        break;
    }
    case State::starting:
        reload_asked_ = true;
        say(Level::info, "reload: waits until " + plan_.name + " handles signals",
            {{"event", "reload"}});
        break;
    case State::backoff: spawn(); break;
    case State::sweeping:
        if (restart_at_) {
            say(Level::info, "reload: " + plan_.name + " is about to be started anyway",
                {{"event", "reload"}});
            break;
        }
        [[fallthrough]];
    case State::draining:
        say(Level::warning, "reload refused: sluice is stopping", {{"event", "reload_refused"}});
        break;
    case State::idle:
    case State::gone: break;
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
}

void Lifecycle::handle(const Stopped& event) {
    if (event.pid == service_ && is_suspending(event.signal)) actions_.emplace_back(SuspendSelf{});
}

// --- stopping -----------------------------------------------------------------------------------

void Lifecycle::begin_drain(const DrainAsked& asked) {
    drain_ = Drain{now_, asked.signal};
    const auto name = signals::name_of(asked.signal);
    const auto limit = plan_.stop.deadline;
    say(Level::info,
        "signal " + name + " from " +
            (asked.sender == 0 ? "outside" : "pid " + std::to_string(asked.sender)) +
            ": stopping " + plan_.name +
            (limit ? ", " + in_words(*limit) + " at most" : ", with no time limit"),
        {{"event", "drain"},
         {"signal", name},
         {"sender_pid", asked.sender},
         {"deadline_ms", limit ? limit->count() : 0}});
    switch (state_) {
    case State::starting:
    case State::running: stop_service(); break;
    case State::sweeping: restart_at_.reset(); break;
    case State::idle:
    case State::backoff: finish(); break;
    case State::draining:
    case State::gone: break;
    }
}

void Lifecycle::stop_service() {
    state_ = State::draining;
    if (plan_.stop.deadline) {
        actions_.emplace_back(Arm{Timer::deadline, now_ + *plan_.stop.deadline});
    }
    if (plan_.stop.hold > 0ms) {
        // Asked anew even if the service was up long ago: FPM loses its handlers for a moment
        // whenever it executes itself again (USR2, emergency restart).
        actions_.emplace_back(AwaitReady{*service_});
        actions_.emplace_back(Arm{Timer::hold, now_ + plan_.stop.hold});
    } else {
        send_stop();
    }
}

void Lifecycle::send_stop() {
    drain_->phase = Phase::asked;
    const int signal = plan_.stop.signal.value_or(drain_->signal);
    actions_.emplace_back(Send{*service_, signal, {}, plan_.signal_group});
}

void Lifecycle::hurry() {
    say(Level::warning, "second INT: the deadline is now", {{"event", "hurried"}});
    drain_->hurried = true;
    if (state_ == State::sweeping) {
        if (!sweep_killed_) sweep_harder();
    } else if (drain_->phase < Phase::terminated) {
        cut_short();
    } else {
        kill();
    }
}

void Lifecycle::cut_short() {
    drain_->phase = Phase::terminated;
    actions_.emplace_back(NameCut{*service_});
    actions_.emplace_back(Send{*service_, SIGTERM, {}, plan_.signal_group});
    // A suspended service acts on nothing but KILL until it is resumed.
    actions_.emplace_back(Send{*service_, SIGCONT, {}, true});
    actions_.emplace_back(Arm{Timer::kill, now_ + plan_.stop.kill_after});
}

void Lifecycle::kill() {
    drain_->phase = Phase::killed;
    // Workers of a killed master would live on as orphans and hold the port.
    actions_.emplace_back(Send{*service_, SIGKILL, {}, true});
    actions_.emplace_back(Sweep{SIGKILL});
}

void Lifecycle::handle(const CutNamed& event) {
    if (drain_) drain_->cut += event.requests;
}

// --- the end of a run ---------------------------------------------------------------------------

void Lifecycle::handle(const Exited& event) {
    if (event.pid != service_) return;
    service_.reset();
    const int code = exit_code(event.wait_status);
    if (drain_) {
        exit_code_ = code;
        end_ = describe_end(event.wait_status);
        drain_->died = code > 128 && code != 128 + plan_.stop.signal.value_or(drain_->signal);
    } else {
        died(code, describe_end(event.wait_status));
    }
    state_ = State::sweeping;
    sweep_killed_ = false;
    if (event.tree_empty) {
        swept();
    } else {
        sweep();
    }
}

void Lifecycle::died(int code, const std::string& how) {
    exit_code_ = code;
    end_ = how;
    reload_asked_ = false; // the next run reads everything anew
    const auto& restarting = plan_.restarting;
    const bool wanted = restarting.when == config::Restart::always ||
                        (restarting.when == config::Restart::on_failure && code != 0);
    if (!wanted) {
        say(Level::info, plan_.name + " " + how, {{"event", "ended"}, {"exit_code", code}});
        return;
    }
    if (restarting.never_after.contains(code)) {
        say(Level::error,
            plan_.name + " " + how + ", which another start would not change: see what it wrote",
            {{"event", "given_up"}, {"exit_code", code}});
        return;
    }
    const auto pause = pacer_.after_death(now_);
    const auto window = in_words(restarting.limit.window);
    if (!pause) {
        say(Level::error,
            plan_.name + " " + how + "; it died " + std::to_string(pacer_.deaths()) +
                " times within " + window + ", more than service.restart_limit allows: giving up",
            {{"event", "given_up"}, {"exit_code", code}});
        return;
    }
    restart_at_ = now_ + *pause;
    say(Level::warning,
        plan_.name + " " + how + "; starting it again in " + in_words(*pause) + " (" +
            std::to_string(pacer_.deaths()) + " of " + std::to_string(restarting.limit.count) +
            " within " + window + ")",
        {{"event", "restart"}, {"exit_code", code}, {"pause_ms", pause->count()}});
}

void Lifecycle::sweep() {
    auto until = now_ + plan_.stop.kill_after;
    if (drain_ && plan_.stop.deadline) {
        // The remainder shares what time the drain has left, and no more.
        const auto last = drain_->since + *plan_.stop.deadline + plan_.stop.kill_after;
        until = std::max(now_, std::min(until, last));
    }
    actions_.emplace_back(Sweep{SIGTERM});
    actions_.emplace_back(Arm{Timer::sweep, until});
}

void Lifecycle::handle(const TreeEmpty& /*event*/) {
    if (state_ == State::sweeping) swept();
}

void Lifecycle::swept() {
    if (!restart_at_) {
        finish();
        return;
    }
    state_ = State::backoff;
    actions_.emplace_back(Arm{Timer::restart, *std::exchange(restart_at_, std::nullopt)});
}

void Lifecycle::finish() {
    state_ = State::gone;
    const int code = mapped(plan_.map_exit, exit_code_);
    if (drain_) {
        const auto took = now_ - drain_->since;
        const auto how = how_it_ended();
        say(drain_->cut > 0 ? Level::warning : Level::info,
            "stopped in " + in_words(took) + ": " + how +
                (end_.empty() ? "" : "; " + plan_.name + " " + end_) + "; sluice exits with " +
                std::to_string(code),
            {{"event", "stopped"},
             {"took_ms", count_ms(took)},
             {"how", how},
             {"cut", drain_->cut},
             {"exit_code", code}});
    }
    actions_.emplace_back(Finish{code});
}

std::string Lifecycle::how_it_ended() const {
    if (drain_->phase < Phase::terminated) return drain_->died ? "it died meanwhile" : "finished";
    std::string how = drain_->hurried ? "cut short by a second INT" : "cut at the deadline";
    if (drain_->phase == Phase::killed) how += " and killed";
    if (plan_.kind == config::Kind::php_fpm) {
        how += ", " + std::to_string(drain_->cut) +
               (drain_->cut == 1 ? " request cut" : " requests cut");
    }
    return how;
}

// --- time ---------------------------------------------------------------------------------------

// A timer that the state no longer expects fired just before it was of no more use.
void Lifecycle::handle(const TimerFired& event) {
    const bool draining = state_ == State::draining;
    switch (event.timer) {
    case Timer::hold:
        if (draining && drain_->phase == Phase::held) send_stop();
        break;
    case Timer::deadline:
        if (draining && drain_->phase < Phase::terminated) {
            say(Level::warning,
                "deadline: " + plan_.name + " did not stop within " +
                    in_words(now_ - drain_->since) + ", now SIGTERM",
                {{"event", "deadline"}});
            cut_short();
        }
        break;
    case Timer::kill:
        if (draining && drain_->phase == Phase::terminated) {
            say(Level::warning, plan_.name + " outlived SIGTERM, now SIGKILL", {{"event", "kill"}});
            kill();
        }
        break;
    case Timer::sweep:
        if (state_ == State::sweeping) sweep_harder();
        break;
    case Timer::restart:
        if (state_ == State::backoff) spawn();
        break;
    }
}

void Lifecycle::sweep_harder() {
    if (std::exchange(sweep_killed_, true)) {
        say(Level::error,
            "processes of " + plan_.name +
                " outlived SIGKILL (they hang in the kernel); going on without them",
            {{"event", "stuck"}});
        swept();
        return;
    }
    actions_.emplace_back(Sweep{SIGKILL});
    actions_.emplace_back(Arm{Timer::sweep, now_ + after_sweeping_kill});
}

} // namespace sluice::core
