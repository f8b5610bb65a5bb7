#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <set>
#include <string>
#include <vector>

#include "init/os/watch.h"

namespace tests {

using namespace std::chrono_literals;

/// Quicker than the real one, and still longer than this machine may stand still.
inline constexpr sluice::os::Watch::Pace quick{.quiet = 100ms, .longest = 2s, .lock = 60s};

/// A Watch in a loop of its own, and what it told.
struct Watching {
    explicit Watching(std::vector<std::string> paths, sluice::os::Watch::Pace pace = quick,
                      std::set<std::string> own = {})
        : watch(
              loop, sluice::os::Watched(std::move(paths), std::move(own)),
              [this](const std::string& path, sluice::os::Watch::Clock::time_point) {
                  changed.push_back(path);
              },
              [this](const auto& message) { said.push_back(message.text); }, pace) {}

    /// Runs the loop until something more was told; what, or "" after 20 s.
    std::string next() {
        const auto told = changed.size();
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (changed.size() == told && loop.run_one_until(deadline) != 0) {
        }
        return changed.size() > told ? changed.back() : "";
    }

    /// Runs the loop for so long; how many handlers ran.
    std::size_t run_for(std::chrono::milliseconds time) { return loop.run_for(time); }

    /// All sentences about the start, one a line.
    std::string description() {
        std::string text;
        for (const auto& message : watch.describe()) {
            text += message.text;
            text += '\n';
        }
        return text;
    }

    boost::asio::io_context loop;
    std::vector<std::string> changed;
    std::vector<std::string> said;
    sluice::os::Watch watch;
};

} // namespace tests
