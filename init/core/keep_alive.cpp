#include "init/core/keep_alive.h"

#include <algorithm>
#include <utility>

namespace sluice::core {

namespace {

using namespace std::chrono_literals;

// A worker that has waited for less may be in the middle of reading a request.
constexpr auto least_wait = 1ms;

// Connections that have been idle for so long are hardly used in the next milliseconds.
constexpr auto long_wait = 1s;

// A process that is stopped or killed needs its turn on a core for that.
constexpr auto longest_pause = 50ms;
constexpr auto next_try = 2ms;

bool contains(const std::vector<pid_t>& pids, pid_t pid) {
    return std::ranges::find(pids, pid) != pids.end();
}

int count(const std::vector<Worker>& workers, Worker::State state) {
    return static_cast<int>(std::ranges::count(workers, state, &Worker::state));
}

// What is in service is in the hands of workers at work, or has only just come. A connection more
// may be one whose client has sent a part of a request.
bool all_is_in_hand(const Sight& sight) {
    const auto& connections = *sight.connections;
    return !sight.tells_times || connections.in_service - connections.untouched <=
                                     count(*sight.workers, Worker::State::busy);
}

bool wait_all(const std::vector<pid_t>& those, const std::vector<Worker>& workers) {
    return std::ranges::all_of(those, [&](pid_t pid) {
        const auto found = std::ranges::find(workers, pid, &Worker::pid);
        return found != workers.end() && found->state == Worker::State::waiting;
    });
}

} // namespace

int count_active(const std::vector<Worker>& workers) {
    return static_cast<int>(workers.size()) - count(workers, Worker::State::idle);
}

KeepAlive::Step KeepAlive::on(const Sight& sight, TimePoint now, Actions& actions) {
    if (!sight.connections || !sight.workers) {
        if (!paused_.empty()) actions.emplace_back(Resume{take_paused(), of_});
        return Step::none;
    }
    if (paused_.empty()) return pause_some(sight, now, actions);
    if (!sight.all_paused && now - paused_since_ < longest_pause) return Step::look;
    const int untouched = sight.connections->untouched;
    const bool idle = sight.all_paused && wait_all(paused_, *sight.workers);
    if (idle && (untouched == 0 || impatient_)) {
        with_request_ += std::min(untouched, static_cast<int>(paused_.size()));
        return Step::go;
    }
    actions.emplace_back(Resume{take_paused(), of_});
    not_before_ = now + next_try;
    return Step::none;
}

KeepAlive::Step KeepAlive::pause_some(const Sight& sight, TimePoint now, Actions& actions) {
    const bool waits = std::ranges::any_of(*sight.workers, [&](const Worker& worker) {
        return worker.state == Worker::State::waiting && !contains(released_, worker.pid);
    });
    if (waits) {
        if (!first_waiting_) first_waiting_ = now;
        last_waiting_ = now;
        impatient_ = now - *first_waiting_ >= patience_;
    }
    if (now < not_before_) return Step::none;
    paused_ = candidates(sight);
    if (paused_.empty()) return Step::none;
    paused_since_ = now;
    actions.emplace_back(Pause{paused_, of_});
    return Step::look;
}

// Those that have waited for long all at once, otherwise the one that has waited longest.
std::vector<pid_t> KeepAlive::candidates(const Sight& sight) const {
    if (!impatient_ && !all_is_in_hand(sight)) return {};
    const auto least = impatient_ ? 0ms : least_wait;
    std::vector<pid_t> cold;
    const Worker* coldest = nullptr;
    for (const auto& worker : *sight.workers) {
        if (worker.state != Worker::State::waiting || worker.age < least) continue;
        if (contains(released_, worker.pid)) continue; // its end is not in FPM's books yet
        if (worker.age >= long_wait) cold.push_back(worker.pid);
        if (coldest == nullptr || worker.age > coldest->age) coldest = &worker;
    }
    if (coldest != nullptr && cold.empty()) cold.push_back(coldest->pid);
    return cold;
}

bool KeepAlive::expects_a_gap(TimePoint now) const {
    return last_waiting_ && now - *last_waiting_ < patience_;
}

std::vector<pid_t> KeepAlive::take_paused() {
    return std::exchange(paused_, {});
}

void KeepAlive::released(const std::vector<pid_t>& workers, TimePoint now) {
    released_.insert(released_.end(), workers.begin(), workers.end());
    released_at_ = now;
}

bool KeepAlive::in_vain(const Sight& sight, TimePoint now) const {
    if (released_.empty() || now - released_at_ < longest_pause) return false;
    if (!sight.connections || !sight.workers || sight.connections->untouched > 0) return false;
    return std::ranges::all_of(*sight.workers, [&](const Worker& worker) {
        return worker.state == Worker::State::idle ||
               (worker.state == Worker::State::waiting && contains(released_, worker.pid));
    });
}

} // namespace sluice::core
