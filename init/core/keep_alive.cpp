#include "init/core/keep_alive.h"

#include <algorithm>
#include <utility>

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// A worker that has waited for less may be in the middle of reading a request.
constexpr auto least_wait = 3ms;

// A stopping process needs its turn on a core to stand still.
constexpr auto longest_pause = 50ms;
constexpr auto next_try = 5ms;

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
    return std::ranges::find(pids, pid) != pids.end();
}

// No byte is unread, and what is in service is in the hands of others than the paused.
bool nothing_has_come(const Sight& sight, const std::vector<pid_t>& paused) {
    const auto& connections = *sight.connections;
    if (connections.unread > 0) return false;
    return !sight.tells_times ||
           connections.in_service <= count_busy_besides(*sight.workers, paused);
}

bool all_wait(const std::vector<Worker>& workers, const std::vector<pid_t>& paused) {
    return std::ranges::all_of(paused, [&](pid_t pid) {
        const auto found = std::ranges::find(workers, pid, &Worker::pid);
        return found != workers.end() && found->state == Worker::State::waiting;
    });
}

std::vector<pid_t> candidates(const Sight& sight) {
    std::vector<pid_t> found;
    for (const auto& worker : *sight.workers) {
        if (worker.state == Worker::State::waiting && worker.age >= least_wait) {
            found.push_back(worker.pid);
        }
    }
    if (!nothing_has_come(sight, found)) return {};
    return found;
}

} // namespace

int count_busy_besides(const std::vector<Worker>& workers, const std::vector<pid_t>& those) {
    return static_cast<int>(std::ranges::count_if(workers, [&](const Worker& worker) {
        return worker.state != Worker::State::idle && !contains(those, worker.pid);
    }));
}

KeepAlive::Step KeepAlive::on(const Sight& sight, TimePoint now, Actions& actions) {
    if (!sight.connections || !sight.workers) return Step::none;
    if (paused_.empty()) {
        if (now < not_before_) return Step::none;
        paused_ = candidates(sight);
        if (paused_.empty()) return Step::none;
        paused_since_ = now;
        actions.emplace_back(Pause{paused_});
        return Step::look;
    }
    if (!sight.all_paused && now - paused_since_ < longest_pause) return Step::look;
    if (sight.all_paused && all_wait(*sight.workers, paused_) && nothing_has_come(sight, paused_)) {
        return Step::go;
    }
    actions.emplace_back(Resume{std::exchange(paused_, {})});
    not_before_ = now + next_try;
    return Step::none;
}

std::vector<pid_t> KeepAlive::take_paused() {
    released_ += static_cast<int>(paused_.size());
    return std::exchange(paused_, {});
}

} // namespace sluice::core
