#include <algorithm>
#include <csignal>
#include <functional>

#include "tests/unit/shell.h"

// What the lifecycle wants done, and who ends.

namespace sluice::core {

// --- starting -----------------------------------------------------------------------------------

void Shell::execute(const Spawn& action) {
    const bool next = action.of == Which::next;
    if (action.of == Which::old) {
        spawn_old();
        return;
    }
    if (next) {
        must(made_ && !drained_, "a next generation is spawned for a reload only");
        must(++spawned_for_it_ <= (action.beside ? 1 : 2), "a reload spawns once");
        must(live_ && !next_ && !old_ && orphaned_.empty(), "it is spawned beside one generation");
    } else {
        must(!live_, "there is one run of a generation");
        must(!made_, "what is being proved is given up before a new start");
    }
    joined_.reset();
    if (!joins(action)) return;
    // Something may come right before the word that it is there.
    if (dice_.one_in(20)) events_.emplace_back(DrainAsked{SIGTERM, 0});
    if (dice_.one_in(10)) {
        events_.emplace_back(SpawnFailed{dice_.one_of(std::vector{125, 126, 127}), dice_.one_in(2),
                                         action.of, "no more processes"});
        spawn_failed_ = spawn_failed_ || !next;
        return;
    }
    const Run run{.pid = next_pid_++, .listener = joined_.value_or(users_)};
    (next ? next_ : live_) = run;
    events_.emplace_back(Spawned{run.pid, action.of});
}

void Shell::spawn_old() {
    must(++spawned_again_ == 1, "an old generation is started again once");
    must(!old_ && !any_orphaned(true), "nobody is left of it");
    must(left_.has_value(), "it has its listeners");
    if (dice_.one_in(8)) events_.emplace_back(DrainAsked{SIGTERM, 0});
    if (dice_.one_in(5)) {
        events_.emplace_back(SpawnFailed{125, true, Which::old, "no more processes"});
        return;
    }
    old_ = Run{.pid = next_pid_++, .listener = *left_};
    events_.emplace_back(Spawned{old_->pid, Which::old});
}

bool Shell::joins(const Spawn& action) {
    if (!action.beside) return true;
    must(!left_, "a third listener never joins");
    if (dice_.one_in(8)) {
        events_.emplace_back(CannotJoin{"no selector", dice_.one_in(2)});
        return false;
    }
    joined_ = ++listeners_;
    return true;
}

void Shell::execute(const AwaitReady& action) {
    ask(action.of == Which::next ? Question::proved : Question::up, action.pid);
}

void Shell::execute(const AwaitHandlers& action) {
    ask(Question::handlers, action.pid);
}

// --- a reload -----------------------------------------------------------------------------------

void Shell::execute(const TakeTurn& /*action*/) {
    must(!std::exchange(turn_, true), "a turn ends before the next one");
    must(!drained_, "no reload begins in a drain");
    must(wanted_, "somebody asked for this reload");
    must(!next_ && !old_ && !left_ && orphaned_.empty(), "a reload begins with one generation");
    ask(Question::turn);
}

void Shell::execute(const PrepareNext& /*action*/) {
    must(turn_, "it is its turn");
    must(!std::exchange(made_, true), "one next generation is made at a time");
    wanted_ = proved_ = warmed_ = false;
    spawned_for_it_ = 0;
    next_strategy_ = strategy_;
    ask(Question::prepared);
}

void Shell::execute(const WarmUp& /*action*/) {
    must(proved_, "it answers before it is warmed up");
    ask(Question::warmed);
}

void Shell::execute(const Promote& /*action*/) {
    must(!drained_, "no switch in a drain");
    must(made_ && proved_ && warmed_, "this very generation has proved itself");
    must(live_ && next_ && !next_->killed, "both masters live");
    must(!old_ && orphaned_.empty(), "the generation before has gone");
    must(std::exchange(switched_, false), "users are where the roles say");
    made_ = false;
    spawned_again_ = 0;
    strategy_ = next_strategy_;
    old_ = std::exchange(live_, std::exchange(next_, std::nullopt));
    must(live_->listener == users_, "it has the listeners that users are led to");
}

void Shell::execute(const DropNext& /*action*/) {
    must(!switched_, "no generation is dropped that users have been led to");
    made_ = false;
    if (next_) next_->killed = true;
    joined_.reset();
    // The answer may have been on its way.
    std::erase_if(questions_, [&](const Asked& asked) {
        return asked.what != Question::look && asked.what != Question::look_at_old &&
               asked.what != Question::up && asked.what != Question::handlers && dice_.one_in(2);
    });
}

void Shell::execute(const DropOld& /*action*/) {
    must(!old_ && !any_orphaned(true), "the old generation is dropped when all of it has gone");
    left_.reset();
}

void Shell::execute(const EndTurn& /*action*/) {
    must(std::exchange(turn_, false) || was_delayed_, "a turn ends once");
}

// --- two listeners ------------------------------------------------------------------------------

void Shell::execute(const SwitchOver& /*action*/) {
    must(!left_, "a switch comes when the one before is over");
    must(!made_ || (proved_ && warmed_ && !drained_), "this very generation has proved itself");
    must(!made_ || (live_ && next_ && !next_->killed), "both masters live");
    must(made_ || joined_, "there is something to switch to");
    if (dice_.one_in(8)) {
        events_.emplace_front(SwitchFailed{"no such file"});
        return;
    }
    switched_ = made_;
    if (joined_) left_ = std::exchange(users_, *std::exchange(joined_, std::nullopt));
    events_.emplace_front(Switched{});
}

void Shell::execute(const LookAtOld& /*action*/) {
    events_.emplace_back(OldSeen{dice_.one_in(2)});
}

void Shell::execute(const ShutOld& /*action*/) {
    must(!old_, "the old listeners are shut when no master is left to fork at them");
    must(left_.has_value(), "it has its listeners");
}

void Shell::execute(const LeaveOld& /*action*/) {
    must(!old_, "an old generation leaves its listeners when its master has gone");
    left_.reset();
}

void Shell::execute(const SignalOrphans& action) {
    signal_orphaned(action.signal, action.of == Which::old);
}

void Shell::signal_orphaned(int signal, bool retiring) {
    for (auto& one : orphaned_) {
        if (one.retiring != retiring) continue;
        one.told = true;
        one.killed = one.killed || signal == SIGKILL;
    }
}

// --- a drain ------------------------------------------------------------------------------------

void Shell::execute(const CloseIntake& action) {
    if (action.of == Which::old || !dice_.one_in(4)) {
        events_.emplace_back(IntakeClosed{Closing::refused, {}, action.of});
    } else {
        events_.emplace_back(IntakeClosed{Closing::open, "not permitted", action.of});
    }
}

void Shell::execute(const HoldOff& /*action*/) {
    const auto way = dice_.one_in(2) ? Closing::held_off : Closing::open;
    events_.emplace_back(IntakeClosed{way, "not permitted"});
}

void Shell::execute(const Look& action) {
    must(action.of == Which::live || old_ || any_orphaned(true),
         "there is an old generation to look at");
    ask(action.of == Which::old ? Question::look_at_old : Question::look);
}

void Shell::execute(const NameCut& action) {
    events_.emplace_back(CutNamed{dice_.pick(3), action.of});
}

Sight Shell::calm_sight() const {
    Sight sight{.tells_times = true, .all_paused = true};
    sight.connections.emplace();
    sight.workers.emplace();
    return sight;
}

void Shell::execute(const Send& action) {
    auto* const run = live_ && live_->pid == action.pid ? &*live_
                      : old_ && old_->pid == action.pid ? &*old_
                                                        : nullptr;
    must(run != nullptr, "a signal goes to a master that lives and is not the next one's");
    if (action.signal == SIGKILL) run->killed = true;
    if (action.signal == SIGTERM || action.signal == SIGQUIT) run->told = true;
    if (action.signal != plan_.reload_signal) return;
    must(run == &*live_, "the live generation reloads by itself");
    if (!std::exchange(by_signal_, false)) wanted_ = false;
}

// Everything but the old generation, which finishes by itself.
void Shell::execute(const Sweep& action) {
    const bool kill = action.signal == SIGKILL;
    sweep_killed_ = kill;
    stray_killed_ = stray_killed_ || kill;
    for (auto* const run : {&live_, &next_}) {
        if (!*run) continue;
        (*run)->told = true;
        (*run)->killed = (*run)->killed || kill;
    }
    signal_orphaned(action.signal, false);
}

void Shell::execute(const Arm& action) {
    clocks_[{action.timer, action.of}] = action.at;
}

void Shell::execute(const Finish& /*action*/) {
    finished_ = true;
    if (stuck_) return;
    must(!live_ && !old_ && orphaned_.empty(), "it ends when all have gone");
    must(!next_ || (next_->killed && spawn_failed_), "the next one has gone, too");
    must(!stray_ || spawn_failed_, "it sweeps what is left");
    must(!turn_ || next_, "the turn has ended");
}

bool Shell::fire_next_clock() {
    const auto first =
        std::ranges::min_element(clocks_, {}, [](const auto& clock) { return clock.second; });
    if (first == clocks_.end()) return false;
    const auto [timer, of] = first->first;
    now_ = std::max(now_, first->second);
    clocks_.erase(first);
    if (timer == Timer::sweep && sweep_killed_) stuck_ = true;
    feed(TimerFired{timer, of});
    return true;
}

// --- ends ---------------------------------------------------------------------------------------

bool Shell::is_shut(int listener) const {
    return listener != users_ && listener != joined_ && listener != left_;
}

bool Shell::tree_is_empty() const {
    return !live_ && !next_ && !any_orphaned(false) && !stray_;
}

bool Shell::any_orphaned(bool retiring) const {
    return std::ranges::any_of(orphaned_,
                               [&](const auto& one) { return one.retiring == retiring; });
}

bool Shell::end_one(Whose whose) {
    const auto ends = [&](bool told, bool killed) {
        return killed || (whose != Whose::killed && told) || whose == Whose::any;
    };
    std::vector<std::function<void()>> choices;
    for (auto* const run : {&live_, &next_, &old_}) {
        if (!*run || !ends((*run)->told, (*run)->killed)) continue;
        const bool leaves_workers = !(*run)->told && !(*run)->killed && dice_.one_in(2);
        choices.emplace_back([this, run, leaves_workers] { end(*run, leaves_workers); });
    }
    for (std::size_t i = 0; i < orphaned_.size(); ++i) {
        const auto& one = orphaned_[i];
        if (!ends(one.told || is_shut(one.listener), one.killed)) continue;
        choices.emplace_back([this, i] { end_orphaned(i); });
    }
    if (stray_ && ends(false, stray_killed_)) {
        choices.emplace_back([this] {
            stray_ = stray_killed_ = false;
            if (tree_is_empty()) feed(TreeEmpty{});
        });
    }
    if (choices.empty()) return false;
    dice_.one_of(choices)();
    return true;
}

// A next one's workers are killed with it.
void Shell::end(std::optional<Run>& run, bool leaves_workers) {
    const auto ended = *std::exchange(run, std::nullopt);
    const bool some_left = leaves_workers && &run != &next_;
    const bool retiring = &run == &old_;
    if (some_left) orphaned_.push_back({ended.listener, retiring});
    const int status = ended.killed ? killed_by(SIGKILL) : dice_.wait_status();
    const bool empty = tree_is_empty();
    feed(Exited{ended.pid, status, empty, some_left, retiring && left_ ? dice_.pick(2) : 0});
    if (empty && !finished_) feed(TreeEmpty{});
}

void Shell::end_orphaned(std::size_t which) {
    const auto [listener, retiring, told, killed] = orphaned_[which];
    orphaned_.erase(orphaned_.begin() + static_cast<std::ptrdiff_t>(which));
    const bool empty = tree_is_empty();
    if (retiring) {
        feed(OldUnserved{left_ ? dice_.pick(2) : 0});
    } else if (!any_orphaned(false)) {
        feed(OrphansGone{dice_.pick(2)});
    } else if (listener == left_ && std::ranges::none_of(orphaned_, [&](const auto& one) {
                   return one.listener == left_;
               })) {
        feed(OldUnserved{dice_.pick(2)});
    }
    if (empty && !finished_) feed(TreeEmpty{});
}

} // namespace sluice::core
