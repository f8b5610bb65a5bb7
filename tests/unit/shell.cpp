#include "tests/unit/shell.h"

#include <algorithm>

#include "init/trace.h"

namespace sluice::core {

Shell::Shell(Dice& dice, Plan plan)
    : dice_(dice),
      plan_(std::move(plan)),
      lifecycle_(plan_),
      strategy_(plan_.reload.strategy),
      next_strategy_(strategy_) {}

void Shell::must(bool holds, const char* what) const {
    if (!holds) throw Violation{what};
}

// --- events -------------------------------------------------------------------------------------

void Shell::feed(Event event) {
    events_.push_back(std::move(event));
    while (!events_.empty() && !finished_) {
        const auto next = std::move(events_.front());
        events_.pop_front();
        handle(next);
    }
    if (!finished_) check();
}

void Shell::handle(const Event& event) {
    const auto before = lifecycle_.state();
    was_delayed_ = lifecycle_.reloading() && !turn_;
    note(event);
    const auto actions = lifecycle_.on(event, now_);
    if (keep_trail) trail += trace(event, before, lifecycle_.state(), actions) + "\n";
    for (const auto& action : actions) {
        std::visit([this](const auto& a) { execute(a); }, action);
    }
}

// What it means for what is to be.
void Shell::note(const Event& event) {
    const auto state = lifecycle_.state();
    if (std::holds_alternative<ReloadAsked>(event)) {
        const bool down = state == State::backoff || state == State::sweeping;
        // A start reads all that the service's own reload would.
        if (!drained_ && !(down && strategy_ == config::Strategy::signal)) wanted_ = true;
    } else if (std::holds_alternative<DrainAsked>(event)) {
        drained_ = true;
        wanted_ = false;
    } else if (const auto* const exited = std::get_if<Exited>(&event)) {
        // Done again when the service is up.
        if (!drained_ && made_ && exited->pid == lifecycle_.service()) wanted_ = true;
    } else if (const auto* const taken = std::get_if<TurnTaken>(&event)) {
        if (!taken->refused.empty() && lifecycle_.waits_for_turn()) wanted_ = false;
    }
}

// --- what must hold after each of them ----------------------------------------------------------

void Shell::check() {
    const auto pid_of = [](const std::optional<Run>& run) {
        return run ? std::optional(run->pid) : std::nullopt;
    };
    must(lifecycle_.service() == pid_of(live_), "it knows the live master");
    must(lifecycle_.old_service() == pid_of(old_), "it knows the old master");
    // What came too late is unknown to it, and dead.
    must(lifecycle_.next_service() == pid_of(next_) || (next_ && next_->killed),
         "it knows the next master");
    must(!(next_ && old_), "there are two generations at most");
    must(!(joined_ && left_), "there are two listeners at most");
    check_owner();
}

void Shell::check_owner() {
    switch (lifecycle_.state()) {
    case State::running: {
        const bool served =
            (live_ && live_->listener == users_) ||
            std::ranges::any_of(orphaned_, [&](const auto& o) { return o.listener == users_; });
        must(served, "whoever connects is served by somebody");
        break;
    }
    case State::starting: must(live_.has_value(), "somebody is being started"); break;
    case State::backoff:
        must(clocks_.contains({Timer::restart, Which::live}), "it is going to be started");
        break;
    case State::sweeping:
        must(clocks_.contains({Timer::sweep, Which::live}), "the sweep is going to end");
        break;
    case State::idle:
    case State::draining:
    case State::lingering:
    case State::gone: break;
    }
}

bool Shell::at_rest() const {
    return lifecycle_.state() == State::running && live_ && !live_->killed && !next_ && !old_ &&
           orphaned_.empty() && !joined_ && !left_ && !turn_ && !lifecycle_.reloading() &&
           questions_.empty();
}

// --- questions ----------------------------------------------------------------------------------

// Whoever asks again waits no more for the first answer.
void Shell::ask(Question what, pid_t pid) {
    std::erase_if(questions_, [&](const Asked& asked) { return asked.what == what; });
    questions_.push_back({what, pid});
}

bool Shell::answer(bool well) {
    if (questions_.empty()) return false;
    const auto which = dice_.pick(static_cast<int>(questions_.size()));
    const auto asked = questions_[static_cast<std::size_t>(which)];
    questions_.erase(questions_.begin() + which);
    switch (asked.what) {
    case Question::turn: feed(TurnTaken{well || !dice_.one_in(8) ? "" : "no such folder"}); break;
    case Question::prepared: answer_prepared(well); break;
    case Question::warmed:
        if (well || !dice_.one_in(5)) {
            warmed_ = warmed_ || (made_ && proved_);
            feed(WarmedUp{});
        } else {
            feed(WarmedUp{"status 500"});
        }
        break;
    case Question::proved:
        if (!next_ || next_->pid != asked.pid) break;
        proved_ = made_;
        feed(Ready{asked.pid});
        break;
    case Question::up:
        if (live_ && live_->pid == asked.pid) feed(Ready{asked.pid});
        break;
    case Question::handlers:
        if (live_ && live_->pid == asked.pid) feed(Catches{asked.pid});
        break;
    case Question::look: feed(Seen{well ? calm_sight() : dice_.sight()}); break;
    case Question::look_at_old: feed(Seen{well ? calm_sight() : dice_.sight(), Which::old}); break;
    }
    return true;
}

void Shell::answer_prepared(bool well) {
    NextPrepared prepared;
    if (!well && dice_.one_in(8)) {
        prepared.refused = "unknown key";
    } else if (dice_.one_in(12)) {
        prepared.by_signal = true;
        by_signal_ = std::exchange(made_, false);
    } else if (dice_.one_in(2)) {
        auto plan = plan_;
        plan.reload.strategy =
            dice_.one_of(std::vector{config::Strategy::switch_over, config::Strategy::switch_over,
                                     config::Strategy::shared, config::Strategy::signal});
        plan.reload.retire = config::Duration(dice_.one_in(2) ? 60'000 : 2'000);
        plan.stop.linger = config::Duration(dice_.one_in(2) ? 0 : 500);
        if (made_) next_strategy_ = plan.reload.strategy;
        prepared.plan = std::move(plan);
    }
    feed(std::move(prepared));
}

} // namespace sluice::core
