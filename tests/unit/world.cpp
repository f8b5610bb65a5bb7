#include "tests/unit/world.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "init/trace.h"

namespace sluice::core {

World::World(Plan plan, Script the_script)
    : script(std::move(the_script)), lifecycle_(std::move(plan)) {}

config::Duration World::elapsed() const {
    return std::chrono::duration_cast<config::Duration>(now_ - TimePoint{});
}

bool World::did(const std::string& deed) const {
    return std::ranges::find(deeds_, deed) != deeds_.end();
}

std::size_t World::place(const std::string& deed) const {
    CAPTURE(deed);
    const auto found = std::ranges::find(deeds_, deed);
    REQUIRE(found != deeds_.end());
    return static_cast<std::size_t>(found - deeds_.begin());
}

bool World::said(const std::string& part) const {
    return std::ranges::any_of(
        said_, [&](const auto& line) { return line.find(part) != std::string::npos; });
}

void World::at(TimePoint when, std::function<void()> what) {
    agenda_.emplace(when, std::move(what));
}

void World::after(config::Duration delay, Event event) {
    bool reached = false;
    at(now_ + delay, [this, event, &reached] {
        reached = true;
        feed(event);
    });
    while (!reached) {
        const auto next = agenda_.begin();
        now_ = next->first;
        const auto what = std::move(next->second);
        agenda_.erase(next);
        what();
    }
}

void World::run(config::Duration limit) {
    const auto end = now_ + limit;
    while (!exit_code_ && !agenda_.empty() && agenda_.begin()->first <= end) {
        const auto next = agenda_.begin();
        now_ = next->first;
        const auto what = std::move(next->second);
        agenda_.erase(next);
        what();
    }
    if (!exit_code_) now_ = end;
}

void World::feed(const Event& event) {
    for (const auto& action : lifecycle_.on(event, now_)) execute(action);
}

void World::execute(const Action& action) {
    if (const auto* const message = std::get_if<Message>(&action)) {
        said_.push_back(message->text);
        return;
    }
    deeds_.push_back(to_text(action));
    if (const auto* const next = std::get_if<Spawn>(&action)) {
        at(now_, [this, action = *next] {
            const bool port_taken = action.of == Which::next && script.next.port_taken;
            if (port_taken || (action.beside && script.no_selector)) {
                feed(CannotJoin{port_taken ? "port taken" : "no selector", !port_taken});
            } else if (action.of == Which::next) {
                spawn_next();
            } else if (action.of == Which::old) {
                spawn_old();
            } else {
                spawn();
            }
        });
    } else if (std::holds_alternative<SwitchOver>(action)) {
        switched_at_ = now_;
        feed(script.switch_fails ? Event(SwitchFailed{"no such file"}) : Event(Switched{}));
    } else if (std::holds_alternative<LookAtOld>(action)) {
        at(now_, [this] { feed(OldSeen{now_ - switched_at_ >= script.old_queue_lasts}); });
    } else if (const auto* const old = std::get_if<SignalOrphans>(&action);
               old && old->of == Which::old) {
        end_workers_of_old();
    } else if (std::holds_alternative<ShutOld>(action) ||
               std::holds_alternative<LeaveOld>(action) ||
               std::holds_alternative<SignalOrphans>(action)) {
        end_workers_of_old();
        if (script.orphan_stays) at(now_ + *script.orphan_stays, [this] { end_orphan(); });
    } else if (const auto* const arm = std::get_if<Arm>(&action)) {
        const std::pair name(arm->timer, arm->of);
        const auto armed = ++armed_[name];
        at(arm->at, [this, name, armed] {
            if (armed_[name] == armed) feed(TimerFired{name.first, name.second});
        });
    } else if (const auto* const send = std::get_if<Send>(&action)) {
        at(now_, [this, pid = send->pid, signal = send->signal] {
            if (alive_ == pid || old_alive_ == pid) deliver(pid, signal);
        });
    } else if (const auto* const sweep = std::get_if<Sweep>(&action)) {
        if (sweep->signal == SIGKILL) at(now_, [this] { end_orphan(); });
    } else if (const auto* const await = std::get_if<AwaitReady>(&action);
               await && await->of == Which::live) {
        at(now_, [this, pid = await->pid] {
            if (catches_ && alive_ == pid) feed(Ready{pid});
        });
    } else if (const auto* const handlers = std::get_if<AwaitHandlers>(&action)) {
        at(now_, [this, pid = handlers->pid] {
            if (catches_ && alive_ == pid) feed(Catches{pid});
        });
    } else if (const auto* const close = std::get_if<CloseIntake>(&action);
               close && close->of == Which::live) {
        closed_at_ = now_;
        at(now_, [this] {
            const auto way = script.traffic.closing;
            feed(IntakeClosed{way, way == Closing::refused ? "" : "not permitted"});
        });
    } else if (std::holds_alternative<HoldOff>(action)) {
        at(now_, [this] { feed(IntakeClosed{script.traffic.closing, "not permitted"}); });
    } else if (const auto* const look = std::get_if<Look>(&action);
               look && look->of == Which::live) {
        at(now_, [this] { feed(Seen{sight()}); });
    } else if (const auto* const pause = std::get_if<Pause>(&action)) {
        paused_ = pause->workers;
    } else if (std::holds_alternative<Resume>(action)) {
        paused_.clear();
    } else if (const auto* const release = std::get_if<Release>(&action)) {
        if (!script.traffic.hidden) {
            released_.insert(released_.end(), release->workers.begin(), release->workers.end());
        }
        paused_.clear();
    } else if (std::holds_alternative<NameCut>(action)) {
        at(now_, [this] { feed(CutNamed{1}); });
    } else if (const auto* const finish = std::get_if<Finish>(&action)) {
        exit_code_ = finish->exit_code;
    } else {
        execute_of_reload(action);
    }
}

void World::execute_of_reload(const Action& action) {
    const auto& next = script.next;
    if (std::holds_alternative<TakeTurn>(action)) {
        at(now_, [this] { feed(TurnTaken{script.next.turn_refused}); });
    } else if (std::holds_alternative<PrepareNext>(action)) {
        at(now_ + config::Duration(50), [this] {
            feed(NextPrepared{.refused = script.next.refused, .by_signal = script.next.no_room});
        });
    } else if (const auto* const await = std::get_if<AwaitReady>(&action)) {
        if (!next.ready_after) return;
        at(now_ + *next.ready_after, [this, pid = await->pid] {
            if (next_alive_ == pid) feed(Ready{pid});
        });
    } else if (std::holds_alternative<WarmUp>(action)) {
        at(now_ + config::Duration(20), [this] { feed(WarmedUp{script.next.warm_up_refused}); });
    } else if (std::holds_alternative<Promote>(action)) {
        switched_at_ = now_;
        old_alive_ = std::exchange(alive_, std::exchange(next_alive_, std::nullopt));
        catches_ = true;
    } else if (std::holds_alternative<DropNext>(action)) {
        at(now_, [this] {
            if (next_alive_) end_service(*next_alive_, killed_by(SIGKILL));
        });
    } else if (std::holds_alternative<CloseIntake>(action)) {
        at(now_, [this] { feed(IntakeClosed{Closing::refused, "", Which::old}); });
    } else if (std::holds_alternative<Look>(action)) {
        at(now_, [this] { feed(Seen{sight_of_old(), Which::old}); });
    }
}

Sight World::sight_of_old() const {
    const bool busy = now_ - switched_at_ < script.next.old_requests_last;
    Sight sight{.tells_times = true, .all_paused = true};
    sight.connections = {.open = busy || script.next.old_keeps_connection ? 1 : 0,
                         .in_service = busy ? 1 : 0};
    if (workers_of_old_) return sight; // nobody is left who could be asked
    sight.workers = std::vector<Worker>(3, Worker{.pid = 400});
    if (busy) sight.workers->push_back({401, "www", Worker::State::busy, {}, "/slow.php"});
    return sight;
}

// Workers 200 and up are busy, those from 300 on hold idle connections.
Sight World::sight() const {
    const auto& traffic = script.traffic;
    const auto since = now_ - closed_at_;
    const bool queue_empty =
        since >= traffic.queue_lasts && (!traffic.behind_idle || !released_.empty());
    Sight sight{.queue_empty = queue_empty,
                .queued = queue_empty ? 0 : 7,
                .tells_times = traffic.tcp,
                .all_paused = true};
    const int busy = since < traffic.requests_last ? traffic.requests : 0;
    std::vector<Worker> workers(4, Worker{.pid = 100});
    Sight::Connections connections{.open = busy, .in_service = busy};
    for (int i = 0; i < busy; ++i) {
        workers.push_back({200 + i, "www", Worker::State::busy, config::Duration(3'200), "/a.php"});
    }
    for (int i = 0; i < traffic.idle_connections; ++i) {
        if (std::ranges::find(released_, 300 + i) != released_.end()) continue;
        if (traffic.client_closes && !paused_.empty()) continue;
        workers.push_back({300 + i, "www", Worker::State::waiting, traffic.idle_for, ""});
        ++connections.open;
    }
    connections.open += traffic.silent_connections;
    // It is there while the workers stand still, and served once they go on.
    if (!paused_.empty() && came_ < traffic.requests_come) {
        ++came_;
        connections.unread = connections.untouched = 1;
    }
    if (traffic.kernel_tells) sight.connections = connections;
    sight.asked_in_vain = answers_late_++ < traffic.late_answers;
    if (traffic.workers_tell && !sight.asked_in_vain) sight.workers = workers;
    return sight;
}

void World::spawn() {
    if (script.spawn_fails) {
        feed(*script.spawn_fails);
        return;
    }
    const pid_t pid = 100 + spawns_++;
    alive_ = pid;
    catches_ = false;
    feed(Spawned{pid});
    if (script.ready_after) {
        at(now_ + *script.ready_after, [this, pid] {
            if (alive_ != pid) return;
            catches_ = true;
            feed(Catches{pid});
            feed(Ready{pid});
        });
    }
    if (script.dies_after) {
        at(now_ + *script.dies_after, [this, pid] {
            if (alive_ == pid || old_alive_ == pid) end_service(pid, script.dies_with);
        });
    }
}

void World::spawn_next() {
    if (script.next.spawn_fails) {
        feed(SpawnFailed{125, true, Which::next, "no more processes"});
        return;
    }
    const pid_t pid = 100 + spawns_++;
    next_alive_ = pid;
    feed(Spawned{pid, Which::next});
    if (!script.next.dies_after) return;
    at(now_ + *script.next.dies_after, [this, pid] {
        if (next_alive_ == pid || alive_ == pid) end_service(pid, script.dies_with);
    });
}

void World::spawn_old() {
    if (script.spawn_fails) {
        feed(SpawnFailed{125, true, Which::old, "no more processes"});
        return;
    }
    const pid_t pid = 100 + spawns_++;
    old_alive_ = pid;
    feed(Spawned{pid, Which::old});
}

void World::deliver(pid_t pid, int signal) {
    const auto ends = script.ends_after.find(signal);
    if (signal == SIGKILL || script.executes_anew) {
        end_service(pid, killed_by(signal));
    } else if (ends != script.ends_after.end()) {
        at(now_ + ends->second, [this, pid] {
            if (alive_ == pid || old_alive_ == pid) end_service(pid, exited_with(0));
        });
    }
}

void World::kill_old(bool workers_too, int queued) {
    const auto master = std::exchange(old_alive_, std::nullopt);
    REQUIRE(master);
    workers_of_old_ = !workers_too;
    feed(Exited{*master, killed_by(SIGKILL), !alive_ && workers_too, !workers_too, queued});
}

void World::kill_workers_of_old(int queued) {
    REQUIRE(std::exchange(workers_of_old_, false));
    feed(OldUnserved{queued});
}

void World::kill_live() {
    end_service(alive_.value(), killed_by(SIGKILL));
}

void World::end_workers_of_old() {
    if (!workers_of_old_) return;
    at(now_, [this] {
        if (!std::exchange(workers_of_old_, false)) return;
        feed(OldUnserved{});
        if (!alive_ && !orphan_) feed(TreeEmpty{});
    });
}

void World::end_orphan() {
    const bool served = orphan_serves();
    if (!std::exchange(orphan_, false)) return;
    if (served) feed(OrphansGone{});
    if (!alive_ && !next_alive_) feed(TreeEmpty{});
}

void World::end_service(pid_t pid, int wait_status) {
    const bool live = alive_ == pid;
    for (auto* const master : {&alive_, &next_alive_, &old_alive_}) {
        if (*master == pid) master->reset();
    }
    orphan_ = orphan_ || (live && script.leaves_orphan);
    const bool none_left = !orphan_ && !alive_ && !next_alive_; // an old one is not looked at
    feed(Exited{pid, wait_status, none_left, live && orphan_serves() && script.leaves_orphan});
    if (none_left) feed(TreeEmpty{});
}

Plan fpm_plan() {
    auto plan = make_plan(config::Kind::php_fpm, {"php-fpm"}, {}, {});
    plan.reload.strategy = config::Strategy::signal; // as long as its sockets are not sluice's
    return plan;
}

Plan owning_plan() {
    auto plan = fpm_plan();
    plan.stop.owns_listeners = plan.stop.owns_all_listeners = plan.answers = true;
    plan.reload.strategy = config::Strategy::switch_over;
    return plan;
}

Plan nginx_plan() {
    auto plan = make_plan(config::Kind::nginx, {"nginx"}, {}, {});
    plan.stop.owns_listeners = plan.stop.owns_all_listeners = true;
    return plan;
}

Plan plain_plan() {
    return make_plan(config::Kind::plain, {"/bin/app"}, {}, {});
}

} // namespace sluice::core
