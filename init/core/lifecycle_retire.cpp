#include <csignal>
#include <utility>

#include "init/core/lifecycle.h"
#include "init/core/words.h"

// The generation before the live one, from the switch on.

namespace sluice::core {

// A drain's deadline is everybody's.
void Lifecycle::bound_retiring() {
    if (!retiring_ || !drain_ || !drain_->deadline()) return;
    retiring_->drain.end_by(*drain_->deadline(), actions_);
}

void Lifecycle::retiring_master_ended(const Exited& event) {
    retiring_->master.reset();
    retiring_->exit_code = exit_code(event.wait_status);
    if (!event.workers_left) {
        none_left_of_retiring(event.queued, event.tree_empty);
        return;
    }
    say(Level::warning,
        "the master of generation " + std::to_string(retiring_->generation) + " " +
            describe_end(event.wait_status) + "; its workers finish what they have",
        {{"event", "orphans"}});
    retiring_->drain.go_on_without_master(actions_);
    retiring_went_on();
}

// Without a master there is nobody to send a signal to: whoever is idle leaves when the listeners
// are shut, and who goes on after its answer when it is done. What then holds a worker is an idle
// connection.
void Lifecycle::retiring_went_on() {
    if (!retiring_ || retiring_->master) return;
    const auto& drain = retiring_->drain;
    if (!drain.needs_no_master_any_more()) return;
    if (drain.found_all_idle() || drain.phase() >= Drain::Phase::terminated) {
        actions_.emplace_back(SignalOrphans{SIGKILL, Which::old});
    } else if (drain.phase() == Drain::Phase::held) {
        actions_.emplace_back(ShutOld{});
    }
}

// Its listeners are there still. Those who were accepted before the switch may be served by what
// was live then.
void Lifecycle::none_left_of_retiring(int queued, bool tree_empty) {
    auto& old = *retiring_;
    const bool early = old.drain.phase() < Drain::Phase::held;
    const bool again = early && queued > 0 && old.plan.stop.owns_listeners && !old.started_again;
    if (early) {
        const int lost = old.drain.in_flight();
        say(Level::warning,
            "generation " + std::to_string(old.generation) + " has died, with about " +
                count_of(lost, "request") + " in flight and " + count_of(queued, "connection") +
                " in its queue" + (again ? ": it is started once more, for these" : ""),
            {{"event", "retiring_died"}, {"in_flight", lost}, {"queued", queued}});
    }
    if (again) {
        old.started_again = true;
        old.queued = queued;
        actions_.emplace_back(Spawn{.of = Which::old});
        return;
    }
    old.drain.ended(old.exit_code, now_);
    old.drain.left_in_queue(queued);
    actions_.emplace_back(old.drain.account(old.generation, now_));
    retiring_.reset();
    actions_.emplace_back(EndTurn{});
    actions_.emplace_back(DropOld{});
    if (state_ != State::draining || service_) {
        reload_again();
    } else if (tree_empty) {
        swept();
    } else if (!drain_->has_begun() || drain_->has_ended() || drain_->needs_no_master_any_more()) {
        sweep();
    }
}

void Lifecycle::retire_again(pid_t master) {
    auto& old = *retiring_;
    old.master = master;
    old.drain = Drain(old.plan, Occasion::retire, 0, old.drain.since());
    bound_retiring();
    old.drain.begin(master, true, now_, actions_);
}

} // namespace sluice::core
