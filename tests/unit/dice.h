#pragma once

#include <csignal>
#include <cstddef>
#include <random>
#include <vector>

#include "init/core/sight.h"
#include "tests/unit/world.h"

namespace sluice::core {

/// The random choices of a sequence of events: the same ones for the same seed.
class Dice {
  public:
    explicit Dice(unsigned seed) : random_(seed) {}

    /// From 0 on, and less than `below`.
    int pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

    bool one_in(int times) { return pick(times) == 0; }

    template <typename T>
    T one_of(const std::vector<T>& choices) {
        return choices[static_cast<std::size_t>(pick(static_cast<int>(choices.size())))];
    }

    int wait_status() {
        return one_of(
            std::vector{exited_with(0), exited_with(1), exited_with(78), killed_by(SIGKILL)});
    }

    Sight sight() {
        Sight sight{.queue_empty = one_in(2),
                    .half_open = pick(4) / 3,
                    .tells_times = one_in(2),
                    .all_paused = one_in(2)};
        if (!one_in(4)) sight.connections = {.open = pick(3), .unread = pick(4) / 3};
        if (one_in(4)) return sight;
        sight.workers.emplace();
        for (int i = pick(4); i > 0; --i) {
            sight.workers->push_back(
                {.pid = 500 + i,
                 .state = one_of(
                     std::vector{Worker::State::idle, Worker::State::waiting, Worker::State::busy}),
                 .age = config::Duration(pick(10))});
        }
        return sight;
    }

  private:
    std::mt19937 random_;
};

} // namespace sluice::core
