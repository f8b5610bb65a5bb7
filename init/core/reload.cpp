#include "init/core/reload.h"

#include <utility>

#include "init/core/words.h"

namespace sluice::core {

const char* to_string(Reload::Phase phase) {
    switch (phase) {
    case Reload::Phase::delayed: return "delayed";
    case Reload::Phase::queued: return "queued";
    case Reload::Phase::preparing: return "preparing";
    case Reload::Phase::starting: return "starting";
    case Reload::Phase::proving: return "proving";
    case Reload::Phase::warming: return "warming";
    case Reload::Phase::proved: return "proved";
    case Reload::Phase::by_signal: return "by signal";
    case Reload::Phase::leaving: return "leaving";
    case Reload::Phase::over: return "over";
    }
    return "?";
}

Reload::Reload(const Plan& plan, int generation, int live, ReloadAsked asked, TimePoint since)
    : plan_(plan),
      generation_(generation),
      live_(live),
      asked_(std::move(asked)),
      since_(since),
      entered_(since),
      shares_(plan.reload.strategy == config::Strategy::shared) {}

void Reload::enter(Phase phase, TimePoint now) {
    phase_ = phase;
    entered_ = now;
}

// A step is done.
void Reload::took(const std::string& what, Fields fields, TimePoint now, Actions& actions) const {
    fields.insert(fields.begin(), {"event", "reload_step"});
    fields.emplace_back("step", to_string(phase_));
    fields.emplace_back("result", what);
    fields.emplace_back("generation", generation_);
    fields.emplace_back("took_ms", count_ms(now - entered_));
    say(actions, Level::info, "reload: " + what + " after " + in_words(now - entered_),
        std::move(fields));
}

void Reload::begin(TimePoint now, Actions& actions) {
    const bool delayed = asked_.splay > config::Duration(0);
    say(actions, Level::info,
        "reload: asked for by " + asked_.by +
            (plan_.reload.strategy == config::Strategy::signal
                 ? ", what is to be loaded is checked first; it"
                 : ", generation " + std::to_string(generation_)) +
            (delayed ? " begins in " + in_words(asked_.splay) + " (" + asked_.splay_of + ")"
                     : " begins"),
        {{"event", "reload"},
         {"by", asked_.by},
         {"generation", generation_},
         {"splay_ms", asked_.splay.count()}});
    if (delayed) {
        actions.emplace_back(Arm{Timer::step, now + asked_.splay, Which::next});
        return;
    }
    enter(Phase::queued, now);
    actions.emplace_back(TakeTurn{});
}

bool Reload::joined_by(const ReloadAsked& other, TimePoint now, Actions& actions) {
    if (phase_ > Phase::queued) return false;
    if (phase_ == Phase::delayed && other.splay == config::Duration(0)) on_time({}, now, actions);
    return true;
}

void Reload::on(const TurnTaken& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::queued) return;
    if (!event.refused.empty()) {
        give_up(event.refused, now, actions);
        return;
    }
    enter(Phase::preparing, now);
    since_ = now;
    actions.emplace_back(PrepareNext{});
}

void Reload::on(const NextPrepared& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::preparing) return;
    if (!event.refused.empty()) {
        give_up(event.refused, now, actions);
        return;
    }
    if (event.by_signal) {
        phase_ = Phase::by_signal;
        return;
    }
    if (event.plan) plan_ = *event.plan;
    shares_ = plan_.reload.strategy == config::Strategy::shared;
    took("checked", {}, now, actions);
    enter(Phase::starting, now);
    actions.emplace_back(Spawn{.beside = !shares_, .of = Which::next});
}

// Where the kernel lets no two listeners share an address both generations share one. Users meet
// the new one cold, and the old one is told to finish by a signal; nothing is lost. Whatever else
// is in the way may be gone next time, and a generation that nobody can ask is not worth it.
void Reload::on(const CannotJoin& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::starting || master_) return;
    if (shares_ || !event.no_selector) {
        give_up(event.why, now, actions);
        return;
    }
    if (plan_.reload.warms_up) { // asked for by the user, and could not be done
        give_up(event.why +
                    ", which sluice chooses by itself only where there is no [[reload.warmup]]: "
                    "users would meet this release untried",
                now, actions);
        return;
    }
    say(actions, Level::warning,
        event.why + "; generation " + std::to_string(generation_) +
            " shares the listeners, as with reload.strategy = \"shared\"",
        {{"event", "shared"}});
    shares_ = true;
    actions.emplace_back(Spawn{.of = Which::next});
}

void Reload::on(const Spawned& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::starting || master_) return;
    master_ = event.pid;
    took(plan_.name + " started, pid " + std::to_string(event.pid),
         {{"service_pid", static_cast<std::int64_t>(event.pid)}}, now, actions);
    enter(Phase::proving, now);
    actions.emplace_back(Arm{Timer::step, now + plan_.reload.ready, Which::next});
    actions.emplace_back(AwaitReady{event.pid, Which::next});
}

void Reload::on(const SpawnFailed& event, TimePoint now, Actions& actions) {
    if (phase_ == Phase::starting && !master_) give_up(event.why, now, actions);
}

void Reload::on(const Ready& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::proving || event.pid != master_) return;
    took("generation " + std::to_string(generation_) +
             (event.answers ? " answers" : " handles signals"),
         {}, now, actions);
    enter(Phase::warming, now);
    actions.emplace_back(WarmUp{});
}

void Reload::on(const WarmedUp& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::warming) return;
    if (!event.refused.empty()) {
        give_up(event.refused, now, actions);
        return;
    }
    took("warmed up with " + count_of(event.requests, "request"), {{"requests", event.requests}},
         now, actions);
    enter(Phase::proved, now);
    actions.emplace_back(SwitchOver{});
}

void Reload::on(const SwitchFailed& event, TimePoint now, Actions& actions) {
    if (phase_ == Phase::proved) give_up("the switch failed: " + event.why, now, actions);
}

void Reload::on_time(const std::string& missing, TimePoint now, Actions& actions) {
    if (phase_ == Phase::delayed) {
        enter(Phase::queued, now);
        actions.emplace_back(TakeTurn{});
    } else if (phase_ == Phase::proving) {
        give_up("generation " + std::to_string(generation_) + " did not answer within " +
                    in_words(plan_.reload.ready) + " (reload.ready)" +
                    (missing.empty() ? "" : ": " + missing) +
                    "; see what it wrote, or give it more time",
                now, actions);
    }
}

void Reload::ended(const std::string& how, TimePoint now, Actions& actions) {
    master_.reset();
    if (phase_ != Phase::leaving) {
        give_up(plan_.name + " of generation " + std::to_string(generation_) + " " + how +
                    " before it had proved itself: see what it wrote",
                now, actions);
        return;
    }
    phase_ = Phase::over;
    actions.emplace_back(EndTurn{});
}

void Reload::give_up(const std::string& why, TimePoint now, Actions& actions) {
    if (phase_ >= Phase::leaving) return;
    const auto took = now - since_;
    say(actions, Level::error,
        "reload rolled back after " + in_words(took) + ": " + why + "; generation " +
            std::to_string(live_) + " goes on serving",
        {{"event", "reload_rolled_back"},
         {"step", to_string(phase_)},
         {"generation", generation_},
         {"reason", why},
         {"took_ms", count_ms(took)}});
    drop(actions);
}

void Reload::abandon(const std::string& why, Actions& actions) {
    if (phase_ >= Phase::leaving) return;
    say(actions, Level::info,
        "reload: generation " + std::to_string(generation_) + " is given up: " + why,
        {{"event", "reload_abandoned"},
         {"step", to_string(phase_)},
         {"generation", generation_},
         {"reason", why}});
    drop(actions);
}

void Reload::drop(Actions& actions) {
    actions.emplace_back(DropNext{});
    phase_ = master_ ? Phase::leaving : Phase::over;
    if (!master_) actions.emplace_back(EndTurn{});
}

} // namespace sluice::core
