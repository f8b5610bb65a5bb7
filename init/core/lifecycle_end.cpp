#include <csignal>
#include <utility>

#include "init/core/lifecycle.h"
#include "init/core/words.h"

// The end of a run: the service's own, or a crash.

namespace sluice::core {

void Lifecycle::handle(const Exited& event) {
    if (event.pid == next_service()) {
        reload_->ended(describe_end(event.wait_status), now_, actions_);
        reload_moved_on();
        return;
    }
    if (event.pid == old_service()) {
        retired(event);
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
    orphans_->share();
    replace_run();
}

void Lifecycle::handle(const OldUnserved& event) {
    if (orphans_) orphans_->old_unserved(event.queued, actions_);
}

void Lifecycle::handle(const OldSeen& event) {
    if (orphans_) orphans_->on(event, now_, actions_);
}

void Lifecycle::handle(const OrphansGone& event) {
    if (!orphans_) return;
    const bool were_alone = orphans_->serve_alone();
    orphans_->gone(event.queued, now_, actions_);
    // What is left of the old generation: they wrote to its pipe.
    if (orphans_->have_old_generations_listeners()) actions_.emplace_back(DropOld{});
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

} // namespace sluice::core
