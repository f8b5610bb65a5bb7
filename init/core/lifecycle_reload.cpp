#include <csignal>
#include <utility>

#include "init/core/lifecycle.h"
#include "init/core/words.h"
#include "signals/names.h"

// A reload: the next generation, and the switch.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// Reading a configuration takes nginx tens of milliseconds. If it takes longer, the next reload or
// the stop looks again.
constexpr auto time_to_reload = 1s;

} // namespace

void Lifecycle::handle(const ReloadAsked& event) {
    switch (state_) {
    case State::running: begin_reload(event); break;
    case State::starting:
        if (drain_) {
            refuse_reload();
            break;
        }
        waiting_reload_ = event;
        say(Level::info, "reload: waits until " + plan_.name + " is up",
            {{"event", "reload_waits"}});
        break;
    case State::backoff:
        if (drain_) break;
        start_for_reload(event);
        spawn();
        break;
    case State::sweeping:
        if (restart_at_ && !drain_) {
            restart_at_ = now_;
            start_for_reload(event);
            break;
        }
        [[fallthrough]];
    case State::draining:
    case State::lingering: refuse_reload(); break;
    case State::idle:
    case State::gone: break;
    }
}

// What is started is the old configuration on the old listeners: the reload follows, unless the
// service's own would read nothing more than a start does.
void Lifecycle::start_for_reload(const ReloadAsked& asked) {
    const bool follows = plan_.reload.strategy != config::Strategy::signal;
    if (follows) waiting_reload_ = asked;
    say(Level::info,
        "reload: " + plan_.name + " is started now" +
            (follows ? ", and reloaded when it is up" : ""),
        {{"event", follows ? "reload_waits" : "reload_by_signal"}});
}

void Lifecycle::refuse_reload() {
    say(Level::warning, "reload refused: sluice is stopping", {{"event", "reload_refused"}});
}

int Lifecycle::generation(Which which) const {
    switch (which) {
    case Which::live: return generation_;
    case Which::next: return reload_ ? reload_->generation() : 0;
    case Which::old: return retiring_ ? retiring_->generation : 0;
    }
    return 0;
}

void Lifecycle::begin_reload(const ReloadAsked& asked) {
    if (plan_.reload.strategy == config::Strategy::signal && !plan_.reload.checked) {
        if (!plan_.reload_signal) {
            say(Level::warning,
                "reload refused: " + plan_.name +
                    " is neither php-fpm nor nginx, and sluice knows no way for it to reload",
                {{"event", "reload_refused"}});
            return;
        }
        have_service_reload();
        return;
    }
    if (reload_ && reload_->joined_by(asked, now_, actions_)) {
        say(Level::info, "reload: one is about to begin, this is the same",
            {{"event", "reload_merged"}});
        return;
    }
    if (reload_ || retiring_ || orphans_) {
        waiting_reload_ = asked;
        say(Level::info,
            reload_ ? "reload: one is under way, another follows it"
                    : "reload: begins when the generation before has gone",
            {{"event", "reload_waits"}});
        return;
    }
    reload_.emplace(plan_, ++generations_, generation_, asked, now_);
    reload_->begin(now_, actions_);
}

// The service's own way. FPM's makes every request wait for the slowest one in flight.
void Lifecycle::have_service_reload() {
    const int signal = plan_.reload_signal.value_or(SIGHUP);
    say(Level::info,
        "reload: signal " + signals::name_of(signal) + " to " + plan_.name +
            ", which reloads by itself",
        {{"event", "reload_by_signal"}});
    actions_.emplace_back(Send{*service_, signal, {}});
    reload_sent(signal);
}

// A listener that a reload takes out of the configuration is closed by the service, but not by us:
// who connects would wait for nothing.
void Lifecycle::reload_sent(int signal) {
    if (plan_.stop.finishes_itself && plan_.stop.owns_listeners && signal == plan_.reload_signal) {
        actions_.emplace_back(Arm{Timer::reloaded, now_ + time_to_reload});
    }
}

// --- the next generation ------------------------------------------------------------------------

void Lifecycle::abandon_reload(const std::string& why) {
    if (!reload_) return;
    reload_->abandon(why, actions_);
    reload_moved_on();
}

void Lifecycle::reload_moved_on() {
    if (!reload_) return;
    if (reload_->phase() == Reload::Phase::by_signal) {
        reload_.reset();
        actions_.emplace_back(EndTurn{});
        have_service_reload();
        reload_again();
    } else if (reload_->phase() == Reload::Phase::over) {
        reload_.reset();
        reload_again();
    }
}

// --- the switch ---------------------------------------------------------------------------------

void Lifecycle::handle(const Switched& /*event*/) {
    if (reload_ && reload_->phase() == Reload::Phase::proved) switch_to_next();
}

void Lifecycle::switch_to_next() {
    actions_.emplace_back(Promote{});
    auto plan = std::exchange(plan_, reload_->plan());
    if (plan_.restarting != plan.restarting) {
        pacer_ = RestartPacer(plan_.restarting.backoff, plan_.restarting.limit);
    }
    // They share the listeners, and the old one would go on accepting: QUIT it is.
    if (reload_->shares()) plan.stop.owns_listeners = false;
    retiring_.emplace(
        Retiring{generation_, service_, plan, Drain(plan, Occasion::retire, 0, now_)});
    service_ = reload_->master();
    generation_ = reload_->generation();
    const auto took = now_ - reload_->since();
    say(Level::info,
        "reload: done in " + in_words(took) + ", generation " + std::to_string(generation_) +
            " serves; generation " + std::to_string(retiring_->generation) +
            " finishes what it has",
        {{"event", "reloaded"}, {"generation", generation_}, {"took_ms", count_ms(took)}});
    reload_.reset();
    // Of connections that came at the instant of the switch nobody knows whose they are: they may
    // be in the hands of workers that the old master does not know, as orphans are.
    retiring_->drain.begin(*retiring_->master, true, now_, actions_);
}

// What was asked for meanwhile.
void Lifecycle::reload_again() {
    // The state is running until what a crash means has been decided. Begun now, a reload would
    // give up the listeners that the next run gets beside orphans.
    if (!waiting_reload_ || state_ != State::running || !service_) return;
    if (reload_ || retiring_ || orphans_) return;
    auto asked = *std::exchange(waiting_reload_, std::nullopt);
    const auto rest = asked.not_before.value_or(now_) - now_; // else it has waited enough
    asked.splay = std::max(0ms, std::chrono::ceil<config::Duration>(rest));
    begin_reload(asked);
}

} // namespace sluice::core
