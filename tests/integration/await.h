#pragma once

#include <chrono>
#include <ctime>

namespace tests {

using namespace std::chrono_literals;

/// The wide bound for everything that would otherwise hang: never a measure of speed.
inline constexpr auto patience = 20s;

/// Polls until the condition holds; false if it still does not at the deadline.
template <typename Condition>
bool eventually(Condition condition, std::chrono::milliseconds limit = patience) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (condition()) return true;
        if (std::chrono::steady_clock::now() > deadline) return false;
        const timespec pause{0, 2'000'000};
        ::nanosleep(&pause, nullptr);
    }
}

} // namespace tests
