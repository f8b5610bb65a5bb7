#include <doctest/doctest.h>

#include <csignal>
#include <set>
#include <vector>

#include "tests/unit/dice.h"

// Random sequences of events, sensible or not, and what must hold after each of them.

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

class Chaos {
  public:
    Chaos(unsigned seed, Plan plan) : dice_(seed), lifecycle_(std::move(plan)) { take(Start{}); }

    void step() {
        now_ += config::Duration(dice_.pick(2'000));
        take(any_event());
    }

    bool finished() const { return finishes_ > 0; }

    // Whatever has happened: asked to stop, and with the service gone, it ends.
    void end() {
        take(DrainAsked{SIGTERM, 0});
        if (!alive_) take(TreeEmpty{});
        // Twice, if it was about to be replaced.
        for (int times = 0; times < 2 && alive_; ++times) {
            if (orphans_) take(OrphansGone{});
            take(Exited{*alive_, killed_by(SIGKILL), true});
            take(TreeEmpty{});
            if (lifecycle_.state() == State::backoff) take(TimerFired{Timer::restart});
        }
        take(TreeEmpty{});
        if (lifecycle_.state() == State::lingering) take(TimerFired{Timer::linger});
        CHECK(lifecycle_.state() == State::gone);
        CHECK(finishes_ == 1);
    }

  private:
    Exited any_exit(pid_t pid) {
        const int status = dice_.wait_status();
        const bool workers_left = dice_.pick(3) == 0;
        return {pid, status, !workers_left && !orphans_ && dice_.one_in(2), workers_left};
    }

    Event any_event() {
        const pid_t pid = dice_.pick(4) == 0 ? 999 : alive_.value_or(998);
        switch (dice_.pick(13)) {
        case 0: return Ready{pid};
        case 1:
            // A drain ends the story, so it is rarer than the rest.
            if (dice_.pick(8) != 0) return ReloadAsked{};
            return DrainAsked{dice_.one_of(std::vector{SIGTERM, SIGINT, SIGQUIT}), 1};
        case 2: return ReloadAsked{};
        case 3: return ForwardAsked{dice_.one_of(std::vector{SIGUSR1, SIGTSTP, SIGCONT}), {}};
        case 4: return any_exit(pid);
        case 5: return Stopped{pid, dice_.one_of(std::vector{SIGTSTP, SIGSTOP})};
        case 6: return TreeEmpty{};
        case 7: return CutNamed{dice_.pick(5)};
        case 8:
            if (orphans_ && dice_.pick(2) == 0) return OrphansGone{dice_.pick(2)};
            return OldSeen{dice_.pick(2) == 0};
        case 9:
            return dice_.one_of(std::vector<Event>{Catches{pid}, IntakeClosed{Closing::refused, {}},
                                                   IntakeClosed{Closing::open, "no"}});
        case 10: return Seen{dice_.sight()};
        default:
            return TimerFired{dice_.one_of(
                std::vector{Timer::announce, Timer::queue, Timer::look, Timer::report, Timer::hold,
                            Timer::deadline, Timer::kill, Timer::linger, Timer::old, Timer::retire,
                            Timer::sweep, Timer::restart, Timer::reloaded})};
        }
    }

    void take(const Event& event) {
        const bool was_gone = lifecycle_.state() == State::gone;
        if (std::holds_alternative<DrainAsked>(event)) drained_ = true;
        if (const auto* const exited = std::get_if<Exited>(&event);
            exited && exited->pid == alive_) {
            alive_.reset();
            orphans_ = orphans_ || exited->workers_left;
        }
        if (std::holds_alternative<OrphansGone>(event)) orphans_ = false;
        const auto actions = lifecycle_.on(event, now_);
        if (was_gone) CHECK(actions.empty());
        for (const auto& action : actions) check(action);
        CHECK(lifecycle_.service() == alive_);
        // Users would reach nobody.
        if (lifecycle_.state() == State::running && !orphans_) CHECK_FALSE(on_next_);
    }

    void check(const Action& action) {
        if (const auto* const send = std::get_if<Send>(&action)) {
            CHECK(send->pid == alive_); // never to a pid after its exit
            // Who stands still does not end, and its master waits for it.
            const bool stop = send->signal == SIGTERM || send->signal == SIGQUIT;
            if (stop) CHECK(paused_.empty());
        } else if (const auto* const arm = std::get_if<Arm>(&action)) {
            // A restart may be due already, when the sweep took longer than the back-off; so may
            // the deadline of a stop that had to start the service first.
            const bool may_be_past = arm->timer == Timer::restart ||
                                     arm->timer == Timer::deadline || arm->timer == Timer::announce;
            CHECK((arm->at >= now_ || may_be_past));
        } else if (const auto* const pause = std::get_if<Pause>(&action)) {
            paused_.insert(pause->workers.begin(), pause->workers.end());
        } else if (const auto* const resume = std::get_if<Resume>(&action)) {
            for (const pid_t worker : resume->workers) paused_.erase(worker);
        } else if (const auto* const release = std::get_if<Release>(&action)) {
            for (const pid_t worker : release->workers) CHECK(paused_.erase(worker) == 1);
        } else if (std::holds_alternative<Finish>(action)) {
            CHECK(++finishes_ == 1);
            CHECK_FALSE(alive_);
        } else if (std::holds_alternative<Sweep>(action)) {
            orphans_ = false;
        } else if (std::holds_alternative<LeaveOld>(action)) {
            old_ = false;
        } else if (std::holds_alternative<SwitchOver>(action)) {
            switch_over();
        } else if (const auto* const next = std::get_if<Spawn>(&action)) {
            CHECK_FALSE(alive_); // never two runs
            if (drained_) CHECK(++spawns_when_drained_ == 1);
            spawn(next->beside);
        }
    }

    void switch_over() {
        CHECK(on_next_);
        CHECK_FALSE(old_); // it would be the third listener
        if (dice_.pick(8) == 0) {
            take(SwitchFailed{"no"});
            return;
        }
        on_next_ = false;
        old_ = true;
        take(Switched{});
    }

    void spawn(bool beside) {
        if (beside) CHECK_FALSE(old_);
        if (beside && dice_.pick(8) == 0) {
            take(CannotJoin{"no"});
            return;
        }
        on_next_ = beside;
        if (dice_.pick(10) == 0) {
            take(SpawnFailed{125, dice_.pick(2) == 0});
            return;
        }
        alive_ = next_pid_++;
        take(Spawned{*alive_});
    }

    Dice dice_;
    Lifecycle lifecycle_;
    TimePoint now_{};
    std::optional<pid_t> alive_;
    pid_t next_pid_ = 100;
    std::set<pid_t> paused_;
    bool drained_ = false;
    int spawns_when_drained_ = 0;
    bool orphans_ = false; // workers of a dead master live
    bool on_next_ = false; // the newest run's listeners are not those that users get to
    bool old_ = false;     // there are listeners that were switched away from
    int finishes_ = 0;
};

} // namespace

TEST_CASE("the invariants hold in random sequences of events") {
    for (unsigned seed = 0; seed < 4'000; ++seed) {
        CAPTURE(seed);
        config::Settings settings;
        settings.service.restart =
            seed % 3 == 0 ? config::Restart::always : config::Restart::on_failure;
        settings.service.restart_limit = {.count = 1'000, .window = 1s};
        const auto owning = seed % 6 == 1 ? config::Kind::nginx : config::Kind::php_fpm;
        auto plan = make_plan(seed % 3 == 0 ? config::Kind::plain : owning, {"app"}, settings, {});
        plan.stop.owns_listeners = plan.stop.owns_all_listeners = seed % 3 == 1;
        plan.stop.announce = config::Duration(seed % 4 == 0 ? 500 : 0);
        plan.stop.linger = config::Duration(seed % 5 == 0 ? 500 : 0);
        Chaos chaos(seed, plan);
        for (int step = 0; step < 60 && !chaos.finished(); ++step) chaos.step();
        chaos.end();
    }
}

} // namespace sluice::core
