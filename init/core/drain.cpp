#include "init/core/drain.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "init/core/words.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// For a gap to be met, at most; and of the time that the stop has, this part at most.
constexpr milliseconds gap_patience = 1s;
constexpr int part_for_gaps = 4;

constexpr auto report_every = 1s;
constexpr auto report_retiring_every = 10s; // nobody waits for that

milliseconds patience_within(std::optional<config::Duration> deadline) {
    return deadline ? std::min<milliseconds>(gap_patience, *deadline / part_for_gaps)
                    : gap_patience;
}

// A generation's listeners have been hidden by the switch already, and it was up long ago.
Stop stop_of(const Plan& plan, Occasion occasion) {
    auto stop = plan.stop;
    if (occasion == Occasion::stop) return stop;
    stop.deadline = plan.reload.retire;
    stop.announce = stop.hold = 0ms;
    return stop;
}

} // namespace

Drain::Drain(const Plan& plan, Occasion occasion, int signal, TimePoint since)
    : occasion_(occasion),
      stop_(stop_of(plan, occasion)),
      name_(plan.name),
      fpm_(plan.kind == config::Kind::php_fpm),
      all_tell_(plan.answers),
      signal_group_(plan.signal_group),
      signal_(signal),
      since_(since),
      keep_alive_(which(), patience_within(stop_.deadline)) {
    if (stop_.deadline) deadline_ = since_ + *stop_.deadline;
}

void Drain::begin(std::optional<pid_t> service, bool orphans, TimePoint now, Actions& actions) {
    service_ = service;
    orphans_ = orphans;
    begun_ = true;
    if (deadline_) arm(Timer::deadline, *deadline_, actions);
    if (stop_.announce > 0ms) {
        say(actions, Level::info,
            "new connections are still taken for " + in_words(stop_.announce) + " (drain.announce)",
            {{"event", "announcing"}, {"announce_ms", stop_.announce.count()}});
        arm(Timer::announce, since_ + stop_.announce, actions);
        return;
    }
    close_intake(now, actions);
}

bool Drain::goes_on_without_master(bool at_work, TimePoint now, Actions& actions) {
    if (stop_.finishes_itself) {
        if (!at_work || phase_ >= Phase::terminated) return false;
        service_.reset();
        if (phase_ >= Phase::held) ask_orphans(now, actions);
        return true;
    }
    if (!stop_.owns_listeners || phase_ >= Phase::held) return false;
    service_.reset();
    return true;
}

void Drain::go_on_without_master(Actions& actions) {
    service_.reset();
    // Whom the last look asked is dead.
    if (phase_ == Phase::emptying || phase_ == Phase::finishing) {
        actions.emplace_back(Look{which()});
    }
}

bool Drain::needs_no_master_any_more() const {
    return phase_ >= Phase::held && !finishes_by_itself_now();
}

bool Drain::finishes_by_itself_now() const {
    return stop_.finishes_itself && phase_ == Phase::asked;
}

// --- the intake ---------------------------------------------------------------------------------

void Drain::close_intake(TimePoint now, Actions& actions) {
    closing_since_ = now;
    if (!stop_.owns_listeners) {
        end(false, now, actions);
        return;
    }
    phase_ = Phase::emptying;
    // Nobody would empty their queues.
    if (stop_.finishes_itself && service_) actions.emplace_back(CloseUnserved{*service_});
    actions.emplace_back(CloseIntake{which()});
}

void Drain::on(const IntakeClosed& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::emptying && phase_ != Phase::queueing) return;
    if (!closing_ && event.way != Closing::refused) {
        say(actions, Level::info,
            "new connections cannot be refused (" + event.trouble +
                "): waiting for the accept queue to run empty first, " + in_words(stop_.queue) +
                " at most",
            {{"event", "intake_waits"}});
        closing_ = event.way;
        phase_ = Phase::queueing;
        arm(Timer::queue, now + stop_.queue, actions);
        look_soon(now, actions);
        return;
    }
    closing_ = event.way;
    closed_at_ = now;
    resets_at_first_.reset(); // before, nobody was refused
    phase_ = Phase::emptying;
    if (event.way == Closing::open) {
        say(actions, Level::warning,
            "the intake could not be closed (" + event.trouble +
                "): what connects from now on is lost when " + name_ + " ends",
            {{"event", "intake_open"}});
        arm(Timer::queue, now + stop_.queue, actions);
    }
    arm(Timer::report, now + report_pause(), actions);
    actions.emplace_back(Look{which()});
}

// --- the signals --------------------------------------------------------------------------------

void Drain::end(bool certain, TimePoint now, Actions& actions) {
    certain_ = certain;
    // The last client may have closed while its worker was looked at. FPM waits for whoever stands
    // still.
    resume_paused(actions);
    if (!service_) {
        phase_ = Phase::held;
        asked_at_ = now;
        if (stop_.finishes_itself) ask_orphans(now, actions);
        return;
    }
    if (stop_.hold > 0ms && !certain) {
        // Asked anew even if the service was up long ago: FPM loses its handlers for a moment
        // whenever it executes itself again (USR2, emergency restart).
        phase_ = Phase::held;
        actions.emplace_back(AwaitHandlers{*service_});
        arm(Timer::hold, now + stop_.hold, actions);
        return;
    }
    send_stop(now, actions);
}

void Drain::resume_paused(Actions& actions) {
    auto paused = keep_alive_.take_paused();
    if (!paused.empty()) actions.emplace_back(Resume{std::move(paused), which()});
}

void Drain::send_stop(TimePoint now, Actions& actions) {
    phase_ = Phase::asked;
    asked_at_ = now;
    const int signal = certain_ ? SIGTERM : stop_.signal.value_or(signal_);
    actions.emplace_back(Send{*service_, signal, {}, signal_group_});
    // Those of an earlier master may be at work still.
    if (stop_.finishes_itself) actions.emplace_back(SignalOrphans{signal});
}

void Drain::ask_orphans(TimePoint now, Actions& actions) {
    phase_ = Phase::asked;
    asked_at_ = asked_at_.value_or(now);
    actions.emplace_back(SignalOrphans{stop_.signal.value_or(signal_)});
}

void Drain::on(const Catches& event, TimePoint now, Actions& actions) {
    if (event.pid == service_ && phase_ == Phase::held) send_stop(now, actions);
}

void Drain::arm(Timer timer, TimePoint at, Actions& actions) const {
    actions.emplace_back(Arm{timer, at, which()});
}

std::chrono::milliseconds Drain::report_pause() const {
    return occasion_ == Occasion::stop ? report_every : report_retiring_every;
}

void Drain::end_by(TimePoint moment, Actions& actions) {
    if (deadline_ && *deadline_ <= moment) return;
    deadline_ = moment;
    if (phase_ < Phase::terminated) arm(Timer::deadline, moment, actions);
}

void Drain::hurry(const std::string& by, TimePoint now, Actions& actions) {
    if (ended_at_) return;
    hurried_by_ = by;
    if (phase_ < Phase::terminated) {
        cut_short(now, actions);
    } else {
        kill(actions);
    }
}

void Drain::name_cut(Actions& actions) {
    if (last_) lost_in_queue_ = last_->queued;
    if (!fpm_) {
        // As of the last look: it is let know of nothing, and the idle ones were ended at the stop.
        if (finishes_by_itself_now() && last_ && last_->connections) {
            cut_ = last_->connections->open;
        }
        return;
    }
    if (!last_ || !last_->workers) {
        if (service_) {
            actions.emplace_back(NameCut{*service_, which()});
        } else {
            cut_ = in_flight();
        }
        return;
    }
    for (const auto& worker : busy_of(*last_)) {
        ++cut_;
        say(actions, Level::warning, "cut: " + describe(worker),
            {{"event", "cut"},
             {"pool", worker.pool},
             {"worker_pid", worker.pid},
             {"script", worker.script},
             {"age_ms", count_ms(worker.age)}});
    }
}

void Drain::cut_short(TimePoint now, Actions& actions) {
    name_cut(actions);
    phase_ = Phase::terminated;
    resume_paused(actions);
    if (!service_) return;
    actions.emplace_back(Send{*service_, SIGTERM, {}, signal_group_});
    // A suspended service acts on nothing but KILL until it is resumed.
    actions.emplace_back(Send{*service_, SIGCONT, {}, true});
    arm(Timer::kill, now + stop_.kill_after, actions);
}

void Drain::kill(Actions& actions) {
    phase_ = Phase::killed;
    if (!service_) return;
    // Workers of a killed master would live on as orphans and hold the port.
    actions.emplace_back(Send{*service_, SIGKILL, {}, true});
    if (occasion_ == Occasion::stop) actions.emplace_back(Sweep{SIGKILL});
}

void Drain::on(const CutNamed& event) {
    cut_ += event.requests;
}

// A timer that the phase no longer expects fired just before it was of no more use.
void Drain::on(Timer timer, TimePoint now, Actions& actions) {
    if (ended_at_) return;
    switch (timer) {
    case Timer::announce:
        if (phase_ == Phase::announcing) close_intake(now, actions);
        break;
    case Timer::queue:
        if (phase_ == Phase::queueing) actions.emplace_back(HoldOff{});
        // With users coming in all the time it may never be empty.
        if (phase_ == Phase::emptying && closing_ == Closing::open) end(false, now, actions);
        break;
    case Timer::look:
        if (phase_ >= Phase::queueing && phase_ <= Phase::finishing) {
            actions.emplace_back(Look{which()});
        }
        break;
    case Timer::report:
        if (finishes_by_itself_now()) {
            actions.emplace_back(Look{which()}); // and then report
        } else if (phase_ > Phase::finishing) {
            break;
        } else {
            report(now, actions);
        }
        arm(Timer::report, now + report_pause(), actions);
        break;
    case Timer::hold:
        if (phase_ == Phase::held && service_) send_stop(now, actions);
        break;
    case Timer::deadline:
        if (phase_ >= Phase::terminated) break;
        say(actions, Level::warning,
            (occasion_ == Occasion::stop
                 ? "deadline: " + name_ + " did not stop within "
                 : "the old generation did not finish what it had within ") +
                in_words(deadline_.value_or(now) - since_) +
                (occasion_ == Occasion::stop ? "" : " (reload.retire)") +
                (occasion_ == Occasion::stop || service_ ? ", now SIGTERM" : ", now SIGKILL"),
            {{"event", "deadline"}});
        cut_short(now, actions);
        break;
    case Timer::kill:
        if (phase_ != Phase::terminated) break;
        say(actions, Level::warning, name_ + " outlived SIGTERM, now SIGKILL", {{"event", "kill"}});
        kill(actions);
        break;
    case Timer::linger:
    case Timer::old:
    case Timer::retire:
    case Timer::sweep:
    case Timer::reloaded:
    case Timer::step:
    case Timer::restart: break;
    }
}

} // namespace sluice::core
