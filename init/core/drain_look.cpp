#include <algorithm>
#include <utility>

#include "init/core/drain.h"
#include "init/core/words.h"

// What a drain makes of what it sees.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// Between two looks: short at first, for an idle service is to be gone in milliseconds; later so
// long that looking is little load, and a busy service still ends soon after its last
// request.
constexpr auto first_pause = 1'000us;
constexpr auto longest_pause = 20'000us;
constexpr auto longest_pause_retiring = 200'000us; // nobody waits for that

// While connections that clients keep are to be let go: the gaps between two requests are short.
constexpr auto between_gaps = 2'000us;
constexpr auto until_it_stands = 300us;

constexpr auto longest_standstill = 100ms; // of the queue
constexpr auto longest_gap_in_body = 1s;
constexpr int most_in_vain = 3;       // each takes 500 ms (Outlook)
constexpr std::size_t most_named = 5; // in a report; the rest is counted

} // namespace

void Drain::look_soon(TimePoint now, Actions& actions) {
    const auto longest = occasion_ == Occasion::stop ? longest_pause : longest_pause_retiring;
    pause_ = std::clamp(pause_ * 3 / 2, first_pause, longest);
    arm(Timer::look, now + pause_, actions);
}

void Drain::on(const Seen& event, TimePoint now, Actions& actions) {
    if (ended_at_) return;
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
            wait_for_queue(now, actions);
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

// All workers may be in the hands of clients that keep their connections: a worker that lets its
// one go makes room for the queue. As long as it goes on by itself nobody's is closed for it; once
// it has stood still, what goes on is for those that were let go.
void Drain::wait_for_queue(TimePoint now, Actions& actions) {
    if (!fewest_queued_ || last_->queued < *fewest_queued_) {
        fewest_queued_ = last_->queued;
        went_on_at_ = now;
    }
    stood_still_ = stood_still_ || now - went_on_at_ >= longest_standstill;
    if (!stood_still_) {
        look_soon(now, actions);
    } else {
        let_keep_alive_go(now, actions);
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
            arm(Timer::look, now + first_pause, actions);
            return;
        }
        end(certain, now, actions);
        return;
    }
    seen_idle_ = false;
    // A worker that goes on after its last answer (fastcgi_finish_request) cannot be seen then.
    const bool idle = service_ ? all_idle_for_sure(now) : orphans_idle(now);
    if (!workers && !last_->asked_in_vain && idle) {
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
            arm(Timer::look, now + between_gaps, actions);
        } else {
            look_soon(now, actions);
        }
        return;
    case KeepAlive::Step::look: arm(Timer::look, now + until_it_stands, actions); return;
    case KeepAlive::Step::go: break;
    }
    const auto idle = keep_alive_.take_paused();
    keep_alive_.released(idle, now);
    actions.emplace_back(Release{idle, which()});
    pause_ = 0us;
    look_soon(now, actions);
}

// Of orphans nobody but the kernel knows. (Of a path's connections it tells no times.)
int Drain::in_flight() const {
    if (!last_) return 0;
    if (last_->workers) return static_cast<int>(busy_of(*last_).size());
    const auto& connections = last_->connections;
    return connections ? std::max(connections->in_service, connections->unread) : 0;
}

void Drain::report(TimePoint now, Actions& actions) const {
    std::string text = occasion_ == Occasion::stop ? "draining" : "retiring the old generation";
    text += " for " + in_words(now - since_) + ": ";
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

} // namespace sluice::core
