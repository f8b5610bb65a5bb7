#include "init/core/drain.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "init/core/words.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Between two looks: short at first, for an idle service is to be gone in milliseconds; later so
// long that looking is little load, and a busy service still ends soon after its last
// request.
constexpr auto first_pause = 1'000us;
constexpr auto longest_pause = 20'000us;

// While connections that clients keep are to be let go: the gaps between two requests are short.
constexpr auto between_gaps = 2'000us;
constexpr auto until_it_stands = 300us;

// For a gap to be met, at most; and of the time that the stop has, this part at most.
constexpr milliseconds gap_patience = 1s;
constexpr int part_for_gaps = 4;

constexpr auto longest_gap_in_body = 1s;
constexpr int most_in_vain = 3; // each takes 500 ms (Outlook)
constexpr auto report_every = 1s;
constexpr std::size_t most_named = 5; // in a report; the rest is counted

std::string describe(const Worker& worker) {
    return "pool " + worker.pool + ", worker pid " + std::to_string(worker.pid) + ", script " +
           (worker.script.empty() ? "not yet known" : worker.script) + ", " + in_words(worker.age);
}

std::vector<Worker> busy_of(const Sight& sight) {
    std::vector<Worker> busy;
    if (!sight.workers) return busy;
    std::ranges::copy_if(*sight.workers, std::back_inserter(busy),
                         [](const Worker& worker) { return worker.state == Worker::State::busy; });
    return busy;
}

milliseconds patience_within(std::optional<config::Duration> deadline) {
    return deadline ? std::min<milliseconds>(gap_patience, *deadline / part_for_gaps)
                    : gap_patience;
}

void say(Actions& actions, Level level, std::string text, Fields fields) {
    actions.emplace_back(Message{level, std::move(text), std::move(fields)});
}

} // namespace

Drain::Drain(const Plan& plan, int signal, TimePoint since)
    : stop_(plan.stop),
      name_(plan.name),
      fpm_(plan.kind == config::Kind::php_fpm),
      all_tell_(plan.answers),
      signal_group_(plan.signal_group),
      signal_(signal),
      since_(since),
      keep_alive_(patience_within(plan.stop.deadline)) {}

void Drain::begin(std::optional<pid_t> service, bool orphans, TimePoint now, Actions& actions) {
    service_ = service;
    orphans_ = orphans;
    if (stop_.deadline) actions.emplace_back(Arm{Timer::deadline, since_ + *stop_.deadline});
    if (stop_.announce > 0ms) {
        say(actions, Level::info,
            "new connections are still taken for " + in_words(stop_.announce) + " (drain.announce)",
            {{"event", "announcing"}, {"announce_ms", stop_.announce.count()}});
        actions.emplace_back(Arm{Timer::announce, since_ + stop_.announce});
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
    actions.emplace_back(CloseIntake{});
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
        actions.emplace_back(Arm{Timer::queue, now + stop_.queue});
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
        actions.emplace_back(Arm{Timer::queue, now + stop_.queue});
    }
    actions.emplace_back(Arm{Timer::report, now + report_every});
    actions.emplace_back(Look{});
}

// --- looking ------------------------------------------------------------------------------------

void Drain::look_soon(TimePoint now, Actions& actions) {
    pause_ = std::clamp(pause_ * 3 / 2, first_pause, longest_pause);
    actions.emplace_back(Arm{Timer::look, now + pause_});
}

void Drain::on(const Seen& event, TimePoint now, Actions& actions) {
    if (finishes_by_itself_now()) {
        last_ = event.sight;
        report(now, actions);
        return;
    }
    if (phase_ < Phase::queueing || phase_ > Phase::finishing) return;
    last_ = event.sight;
    if (last_->served) {
        served_ = last_->served;
        if (!served_at_first_) {
            served_at_first_ = served_;
            busy_at_first_ = static_cast<int>(busy_of(*last_).size());
        }
    }
    if (!resets_at_first_) resets_at_first_ = last_->resets;
    in_vain_ = last_->asked_in_vain ? in_vain_ + 1 : 0;
    switch (phase_) {
    case Phase::queueing:
        if (last_->queue_empty) {
            actions.emplace_back(HoldOff{});
        } else {
            look_soon(now, actions);
        }
        break;
    case Phase::emptying:
        if (!last_->queue_empty || last_->half_open > 0) {
            // All workers may be in the hands of clients that keep their connections: a worker that
            // lets its one go makes room for the queue.
            let_keep_alive_go(now, actions);
            break;
        }
        emptied_at_ = now;
        phase_ = Phase::finishing;
        pause_ = 0us;
        finish_what_is_in_flight(now, actions);
        break;
    case Phase::finishing: finish_what_is_in_flight(now, actions); break;
    case Phase::announcing:
    case Phase::held:
    case Phase::asked:
    case Phase::terminated:
    case Phase::killed: break;
    }
}

void Drain::finish_what_is_in_flight(TimePoint now, Actions& actions) {
    // FPM, too, finishes by itself on QUIT: with an open intake something always will be in flight.
    if (stop_.finishes_itself || closing_ == Closing::open) {
        end(false, now, actions);
        return;
    }
    const auto& connections = last_->connections;
    const auto& workers = last_->workers;
    // On busy cores an answer may be late: as long as there can be one it is waited for.
    if (last_->asked_in_vain && in_vain_ < most_in_vain) {
        look_soon(now, actions);
        return;
    }
    if (!connections && !workers) {
        end(false, now, actions);
        return;
    }
    const int open = connections ? connections->open : 0;
    const int active = workers ? count_active(*workers) : 0;
    if (open == 0 && active == 0) {
        const bool certain = connections && workers && all_tell_ && stop_.owns_all_listeners;
        // On its way out of a path's queue a connection is for an instant in nobody's list.
        if (certain && !last_->tells_times && !std::exchange(seen_idle_, true)) {
            actions.emplace_back(Arm{Timer::look, now + first_pause});
            return;
        }
        end(certain, now, actions);
        return;
    }
    seen_idle_ = false;
    // A worker that goes on after its last answer (fastcgi_finish_request) cannot be seen then.
    if (!workers && !last_->asked_in_vain && all_idle_for_sure(now)) {
        end(true, now, actions);
        return;
    }
    if (orphans_ && workers && active == 0 && orphans_idle(now)) {
        end(stop_.owns_all_listeners, now, actions);
        return;
    }
    if (keep_alive_.in_vain(*last_, now)) {
        end(stop_.owns_all_listeners, now, actions);
        return;
    }
    let_keep_alive_go(now, actions);
}

// Without a word from the workers (PHP 7.4): the open connections are such on which nothing is to
// be answered. FPM reads no further than a request's body, so the end of its input (an empty STDIN
// record) is unread for as long as it works on it. A path's tell no times, so that a client who
// pauses in the middle of the body looks like one who has nothing to ask: only a longer pause
// counts.
bool Drain::all_idle_for_sure(TimePoint now) {
    const auto& connections = *last_->connections;
    if (connections.in_service > 0 || connections.unread > 0) {
        idle_since_.reset();
        return false;
    }
    if (!idle_since_) idle_since_ = now;
    return last_->tells_times || now - *idle_since_ >= longest_gap_in_body;
}

// Connections that no worker of this run has are those of a dead master's workers. (One that was
// accepted and has not brought a byte yet is not told from an idle one: only a longer silence
// counts.)
bool Drain::orphans_idle(TimePoint now) {
    return all_idle_for_sure(now) && now - *idle_since_ >= longest_gap_in_body;
}

void Drain::let_keep_alive_go(TimePoint now, Actions& actions) {
    switch (keep_alive_.on(*last_, now, actions)) {
    case KeepAlive::Step::none:
        if (keep_alive_.expects_a_gap(now)) {
            actions.emplace_back(Arm{Timer::look, now + between_gaps});
        } else {
            look_soon(now, actions);
        }
        return;
    case KeepAlive::Step::look:
        actions.emplace_back(Arm{Timer::look, now + until_it_stands});
        return;
    case KeepAlive::Step::go: break;
    }
    const auto idle = keep_alive_.take_paused();
    keep_alive_.released(idle, now);
    actions.emplace_back(Release{idle});
    pause_ = 0us;
    look_soon(now, actions);
}

void Drain::report(TimePoint now, Actions& actions) const {
    std::string text = "draining for " + in_words(now - since_) + ": ";
    if (!last_) {
        text += "nothing is known yet";
    } else if (last_->workers) {
        const auto busy = busy_of(*last_);
        text += count_of(static_cast<std::int64_t>(busy.size()), "request") + " in flight";
        for (std::size_t at = 0; at < std::min(busy.size(), most_named); ++at) {
            text += (at == 0 ? ": " : "; ") + describe(busy[at]);
        }
        if (busy.size() > most_named) {
            text += "; and " + std::to_string(busy.size() - most_named) + " more";
        }
    } else if (last_->connections) {
        text += count_of(last_->connections->open, "connection") + " open";
    }
    if (last_ && !last_->queue_empty) {
        text += ", " + std::to_string(last_->queued) + " waiting in the accept queue";
    }
    if (last_ && last_->half_open > 0) {
        text += ", " + count_of(last_->half_open, "handshake") + " half open";
    }
    say(actions, Level::info, text,
        {{"event", "draining"},
         {"in_flight", last_ ? static_cast<int>(busy_of(*last_).size()) : 0},
         {"queued", last_ ? last_->queued : 0}});
}

// --- the signals --------------------------------------------------------------------------------

void Drain::end(bool certain, TimePoint now, Actions& actions) {
    certain_ = certain;
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
        actions.emplace_back(Arm{Timer::hold, now + stop_.hold});
        return;
    }
    send_stop(now, actions);
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

void Drain::hurry(TimePoint now, Actions& actions) {
    hurried_ = true;
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
        if (service_) actions.emplace_back(NameCut{*service_});
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
    if (auto paused = keep_alive_.take_paused(); !paused.empty()) {
        actions.emplace_back(Resume{std::move(paused)});
    }
    if (!service_) return;
    actions.emplace_back(Send{*service_, SIGTERM, {}, signal_group_});
    // A suspended service acts on nothing but KILL until it is resumed.
    actions.emplace_back(Send{*service_, SIGCONT, {}, true});
    actions.emplace_back(Arm{Timer::kill, now + stop_.kill_after});
}

void Drain::kill(Actions& actions) {
    phase_ = Phase::killed;
    if (!service_) return;
    // Workers of a killed master would live on as orphans and hold the port.
    actions.emplace_back(Send{*service_, SIGKILL, {}, true});
    actions.emplace_back(Sweep{SIGKILL});
}

void Drain::on(const CutNamed& event) {
    cut_ += event.requests;
}

// A timer that the phase no longer expects fired just before it was of no more use.
void Drain::on(Timer timer, TimePoint now, Actions& actions) {
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
        if (phase_ >= Phase::queueing && phase_ <= Phase::finishing) actions.emplace_back(Look{});
        break;
    case Timer::report:
        if (finishes_by_itself_now()) {
            actions.emplace_back(Look{}); // and then report
        } else if (phase_ > Phase::finishing) {
            break;
        } else {
            report(now, actions);
        }
        actions.emplace_back(Arm{Timer::report, now + report_every});
        break;
    case Timer::hold:
        if (phase_ == Phase::held) send_stop(now, actions);
        break;
    case Timer::deadline:
        if (phase_ >= Phase::terminated) break;
        say(actions, Level::warning,
            "deadline: " + name_ + " did not stop within " + in_words(now - since_) +
                ", now SIGTERM",
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
    case Timer::restart: break;
    }
}

} // namespace sluice::core
