#include <algorithm>
#include <csignal>
#include <utility>

#include "init/core/lifecycle.h"
#include "init/core/words.h"

// The end of a run: the service's own, or a crash.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// A process that SIGKILL has not ended by then hangs in the kernel (a dead disk or network
// file system); waiting longer would only turn one hang into two.
constexpr std::chrono::milliseconds after_sweeping_kill = 1s;

// FPM says it in its error_log alone, which may be elsewhere.
std::string reason_of(int wait_status, const Plan& plan) {
    if (plan.kind != config::Kind::php_fpm || wait_status != 0) return {};
    return ", as it does where it cannot start all of its workers (is there a limit of "
           "processes?),";
}

} // namespace

void Lifecycle::handle(const Exited& event) {
    if (event.pid == next_service()) {
        reload_->ended(describe_end(event.wait_status) + reason_of(event.wait_status, plan_), now_,
                       actions_);
        reload_moved_on();
        return;
    }
    if (event.pid == old_service()) {
        retiring_master_ended(event);
        return;
    }
    if (event.pid != service_) return;
    service_.reset();
    const int code = exit_code(event.wait_status);
    const bool some_serve = event.workers_left || orphans_.has_value();
    if (std::exchange(replacing_, false)) {
        restart_at_ = now_;
        if (orphans_) {
            leave_to_orphans(false);
            return;
        }
    } else if (drain_) {
        exit_code_ = code;
        end_ = describe_end(event.wait_status);
        const bool at_work = code != 0 || orphans_;
        if (some_serve && drain_->goes_on_without_master(at_work, now_, actions_)) {
            say(Level::warning,
                plan_.name + " " + end_ + " during the drain; its workers go on, and finish",
                {{"event", "master_died"}});
            return;
        }
        exit_code_ = drain_->ended(code, now_);
        if (retiring_) return; // it finishes
    } else {
        died(code, describe_end(event.wait_status));
        put_reload_off();
        const auto& stop = plan_.stop;
        if (some_serve && (stop.owns_all_listeners || stop.finishes_itself)) {
            leave_to_orphans(event.workers_left);
            return;
        }
    }
    if (event.tree_empty) {
        swept();
    } else {
        sweep();
    }
}

// The live generation has died: the next one is given up. What was rolled back is not done again.
void Lifecycle::put_reload_off() {
    if (!reloading()) return;
    if (restart_at_) {
        waiting_reload_ = reload_->asked();
        say(Level::info, "reload: begins again when " + plan_.name + " is up",
            {{"event", "reload_waits"}});
    }
    abandon_reload(plan_.name + " has died" + (restart_at_ ? ", and is started again first" : ""));
}

// Workers of a master that died hold its listeners and go on serving.
void Lifecycle::leave_to_orphans(bool of_this_run) {
    if (!restart_at_) {
        let_orphans_finish();
        return;
    }
    const auto& stop = plan_.stop;
    if (!orphans_) {
        orphans_.emplace(plan_.name, stop.kill_after, now_);
        if (stop.finishes_itself || retiring_) orphans_->share();
        say(Level::warning,
            stop.owns_all_listeners
                ? "the workers of the dead master go on serving until the next one is up"
                : "the workers of the dead master finish what they have, and leave their ports "
                  "to the next one",
            {{"event", "orphans"}});
        if (!stop.owns_all_listeners) orphans_->relieved(now_, actions_);
    } else {
        // Those of an earlier master are still there: of two runs' remainders and a third run the
        // kernel would have to keep three listeners apart.
        if (of_this_run && orphans_->phase() != Orphans::Phase::serving) orphans_->join_in();
        // The next run may have died of a port that a reload added, and that they hold.
        if (stop.finishes_itself) orphans_->relieved(now_, actions_);
    }
    state_ = State::backoff;
    actions_.emplace_back(Arm{Timer::restart, *std::exchange(restart_at_, std::nullopt)});
}

// There will be no next run: what others than it have in hand is let finish.
void Lifecycle::let_orphans_finish() {
    say(Level::warning,
        retiring_ ? "the generation before finishes what it has"
                  : "the workers of the dead master finish what they have",
        {{"event", "orphans_finish"}});
    drain_.emplace(plan_, Occasion::stop, SIGTERM, now_);
    bound_retiring();
    drain_without_run();
}

// What orphans, or the generation before, have in hand.
void Lifecycle::drain_without_run() {
    state_ = State::draining;
    drain_->begin({}, true, now_, actions_);
}

void Lifecycle::handle(const CannotJoin& event) {
    if (reload_ && reload_->phase() == Reload::Phase::starting) {
        reload_->on(event, now_, actions_);
        reload_moved_on();
        return;
    }
    if (state_ != State::starting || service_ || !orphans_) return;
    say(Level::warning,
        event.why + "; the new run shares the listeners of the old one, whose workers are told to "
                    "finish",
        {{"event", "shared"}});
    orphans_->share();
    spawn();
}

void Lifecycle::handle(const SwitchFailed& event) {
    if (reload_) reload_->on(event, now_, actions_);
    reload_moved_on();
    if (!orphans_) return;
    say(Level::error,
        event.why + ": users cannot be led to the new run, so that it is started again and shares "
                    "the listeners of the old one",
        {{"event", "switch_failed"}});
    orphans_->stay();
    replace_run();
}

void Lifecycle::handle(const OldUnserved& event) {
    if (retiring_ && !retiring_->master) {
        none_left_of_retiring(event.queued, false);
    } else if (orphans_) {
        orphans_->old_unserved(event.queued, actions_);
    }
}

void Lifecycle::handle(const OldSeen& event) {
    if (orphans_) orphans_->on(event, now_, actions_);
}

void Lifecycle::handle(const OrphansGone& event) {
    if (!orphans_) return;
    const bool were_alone = orphans_->serve_alone();
    orphans_->gone(event.queued, now_, actions_);
    orphans_.reset();
    if (were_alone && state_ == State::starting) replace_run();
    if (state_ == State::draining && !service_) { // nobody is left who could finish anything
        if (plan_.stop.owns_listeners && !drain_->queue_emptied() && !served_queue_) {
            restart_at_ = now_; // or serve those who wait
        }
        sweep();
    }
    reload_again();
}

// Nobody is left who serves the listeners that users are connected to: the run that was started on
// others has to be started on these.
void Lifecycle::replace_run() {
    if (!service_) return;
    state_ = State::starting;
    replacing_ = true;
    actions_.emplace_back(Send{*service_, SIGKILL, {}, true});
}

void Lifecycle::died(int code, const std::string& how) {
    exit_code_ = code;
    end_ = how;
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

} // namespace sluice::core
