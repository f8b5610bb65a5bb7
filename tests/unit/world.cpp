#include "tests/unit/world.h"

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
    if (std::holds_alternative<Spawn>(action)) {
        at(now_, [this] { spawn(); });
    } else if (const auto* const arm = std::get_if<Arm>(&action)) {
        const auto armed = ++armed_[arm->timer];
        at(arm->at, [this, timer = arm->timer, armed] {
            if (armed_[timer] == armed) feed(TimerFired{timer});
        });
    } else if (const auto* const send = std::get_if<Send>(&action)) {
        at(now_, [this, pid = send->pid, signal = send->signal] {
            if (alive_ == pid) deliver(signal);
        });
    } else if (const auto* const sweep = std::get_if<Sweep>(&action)) {
        if (sweep->signal == SIGKILL && std::exchange(orphan_, false)) {
            at(now_, [this] { feed(TreeEmpty{}); });
        }
    } else if (const auto* const await = std::get_if<AwaitReady>(&action)) {
        at(now_, [this, pid = await->pid] {
            if (catches_ && alive_ == pid) feed(Ready{pid});
        });
    } else if (std::holds_alternative<NameCut>(action)) {
        at(now_, [this] { feed(CutNamed{1}); });
    } else if (const auto* const finish = std::get_if<Finish>(&action)) {
        exit_code_ = finish->exit_code;
    }
}

void World::spawn() {
    if (script.spawn_fails) {
        feed(*script.spawn_fails);
        return;
    }
    const pid_t pid = 100 + spawns_++;
    alive_ = pid;
    catches_ = false;
    orphan_ = script.leaves_orphan;
    feed(Spawned{pid});
    if (script.ready_after) {
        at(now_ + *script.ready_after, [this, pid] {
            if (alive_ != pid) return;
            catches_ = true;
            feed(Ready{pid});
        });
    }
    if (script.dies_after) {
        at(now_ + *script.dies_after, [this, pid] {
            if (alive_ == pid) end_service(script.dies_with);
        });
    }
}

void World::deliver(int signal) {
    const auto ends = script.ends_after.find(signal);
    if (signal == SIGKILL) {
        end_service(killed_by(SIGKILL));
    } else if (ends != script.ends_after.end()) {
        at(now_ + ends->second, [this, pid = *alive_] {
            if (alive_ == pid) end_service(exited_with(0));
        });
    }
}

void World::end_service(int wait_status) {
    const pid_t pid = *std::exchange(alive_, std::nullopt);
    feed(Exited{pid, wait_status, !orphan_});
}

Plan fpm_plan() {
    return make_plan(config::Kind::php_fpm, {"php-fpm"}, {}, {});
}

Plan plain_plan() {
    return make_plan(config::Kind::plain, {"/bin/app"}, {}, {});
}

} // namespace sluice::core
