#include "init/core/orphans.h"

#include <csignal>

#include "init/core/words.h"

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

constexpr auto look_again = 10ms;

// How long what is in flight may take. An idle connection that a client keeps holds its worker
// until then: nobody is left whom to ask which worker waits.
constexpr auto limit = 60s;

void say(Actions& actions, Level level, std::string text, Fields fields) {
    actions.emplace_back(Message{level, std::move(text), std::move(fields)});
}

} // namespace

void Orphans::relieved(TimePoint now, Actions& actions) {
    if (phase_ != Phase::serving) return;
    actions.emplace_back(Arm{Timer::retire, now + limit});
    if (shared_) {
        phase_ = Phase::leaving;
        actions.emplace_back(SignalOrphans{SIGQUIT});
        return;
    }
    phase_ = Phase::emptying;
    actions.emplace_back(SwitchOver{});
    actions.emplace_back(LookAtOld{});
}

void Orphans::on(const OldSeen& event, TimePoint now, Actions& actions) {
    if (phase_ != Phase::emptying) return;
    queue_empty_ = event.empty;
    if (queue_empty_) {
        phase_ = Phase::leaving;
        leave(now, actions);
    } else {
        actions.emplace_back(Arm{Timer::old, now + look_again});
    }
}

void Orphans::leave(TimePoint /*now*/, Actions& actions) {
    if (shared_ || phase_ == Phase::serving || left_) return;
    left_ = true;
    actions.emplace_back(LeaveOld{});
}

void Orphans::on(Timer timer, TimePoint now, Actions& actions) {
    if (timer == Timer::old && phase_ == Phase::emptying) actions.emplace_back(LookAtOld{});
    if (timer != Timer::retire || phase_ == Phase::serving || phase_ == Phase::killed) return;
    leave(now, actions);
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

void Orphans::gone(TimePoint now, Actions& actions) {
    leave(now, actions);
    say(actions, queue_empty_ ? Level::info : Level::warning,
        "the last worker of the dead master has gone after " + in_words(now - since_) +
            (queue_empty_ ? "" : "; what waited in its queue is lost"),
        {{"event", "orphans_gone"}, {"took_ms", count_ms(now - since_)}});
}

} // namespace sluice::core
