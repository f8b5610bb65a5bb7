#include "init/core/orphans.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "init/core/words.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds first_pause = 10ms;
constexpr std::chrono::milliseconds longest_pause = 200ms;

// How long what is in flight may take. An idle connection that a client keeps holds its worker
// until then: nobody is left whom to ask which worker waits.
constexpr auto limit = 60s;

} // namespace

void Orphans::join_in() {
    shared_ = true;
    left_ = false;
    phase_ = Phase::serving;
}

void Orphans::stay() {
    shared_ = true;
    switched_ = false;
    phase_ = Phase::serving;
}

void Orphans::relieved(TimePoint now, Actions& actions) {
    if (phase_ != Phase::serving) return;
    actions.emplace_back(Arm{Timer::retire, now + limit});
    phase_ = Phase::emptying;
    pause_ = first_pause;
    if (!shared_) {
        switched_ = true;
        actions.emplace_back(SwitchOver{});
    }
    actions.emplace_back(LookAtOld{});
}

void Orphans::on(const OldSeen& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::emptying) return;
    if (event.empty) {
        phase_ = Phase::leaving;
        leave(actions);
        return;
    }
    actions.emplace_back(Arm{Timer::old, now + pause_});
    pause_ = std::min(pause_ * 2, longest_pause);
}

void Orphans::leave(Actions& actions) {
    if (phase_ == Phase::serving || std::exchange(left_, true)) return;
    if (switched_) actions.emplace_back(ShutOld{});
    if (shared_) actions.emplace_back(SignalOrphans{SIGQUIT});
}

void Orphans::on(Timer timer, TimePoint now, Actions& actions) {
    if (timer == Timer::old && phase_ == Phase::emptying) actions.emplace_back(LookAtOld{});
    if (timer != Timer::retire || phase_ == Phase::serving || phase_ == Phase::killed) return;
    leave(actions);
    if (phase_ == Phase::terminated) {
        phase_ = Phase::killed;
        actions.emplace_back(SignalOrphans{SIGKILL});
        return;
    }
    phase_ = Phase::terminated;
    say(actions, Level::warning,
        "the workers that the dead master left behind did not finish within " + in_words(limit) +
            ", now SIGTERM",
        {{"event", "orphans_cut"}});
    actions.emplace_back(SignalOrphans{SIGTERM});
    actions.emplace_back(Arm{Timer::retire, now + kill_after_});
}

void Orphans::old_unserved(int queued, Actions& actions) {
    if (!std::exchange(switched_, false)) return;
    actions.emplace_back(LeaveOld{}); // who waits: better reset than waiting for nobody
    if (queued == 0) return;
    say(actions, Level::warning,
        "the workers of an earlier dead master have gone; " + count_of(queued, "connection") +
            " lost in its queue",
        {{"event", "old_unserved"}, {"lost", queued}});
}

void Orphans::gone(int queued, TimePoint now, Actions& actions) {
    if (switched_) actions.emplace_back(LeaveOld{});
    say(actions, queued == 0 ? Level::info : Level::warning,
        "the last worker of the dead master has gone after " + in_words(now - since_) +
            (queued == 0 ? "" : "; " + count_of(queued, "connection") + " lost in its queue"),
        {{"event", "orphans_gone"}, {"took_ms", count_ms(now - since_)}, {"lost", queued}});
}

} // namespace sluice::core
