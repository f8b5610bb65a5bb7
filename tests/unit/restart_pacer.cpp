#include "init/core/restart_pacer.h"

#include <doctest/doctest.h>

namespace sluice::core {

using namespace std::chrono_literals;

TEST_CASE("the pause doubles up to the longest") {
    RestartPacer pacer({.first = 100ms, .longest = 1s}, {.count = 10, .window = 60s});
    const TimePoint now{};
    std::vector<config::Duration> pauses;
    for (int death = 0; death < 6; ++death) pauses.push_back(*pacer.after_death(now));
    CHECK(pauses == std::vector<config::Duration>{100ms, 200ms, 400ms, 800ms, 1s, 1s});
}

TEST_CASE("more deaths than the limit within the window are the end") {
    RestartPacer pacer({}, {.count = 2, .window = 10s});
    const TimePoint now{};
    CHECK(pacer.after_death(now));
    CHECK(pacer.after_death(now + 5s));
    CHECK_FALSE(pacer.after_death(now + 10s));
    CHECK(pacer.deaths() == 3);
}

TEST_CASE("deaths before the window are forgotten, and the pause starts anew") {
    RestartPacer pacer({.first = 100ms, .longest = 1s}, {.count = 2, .window = 10s});
    const TimePoint now{};
    CHECK(pacer.after_death(now) == 100ms);
    CHECK(pacer.after_death(now + 1s) == 200ms);
    CHECK(pacer.after_death(now + 12s) == 100ms);
}

} // namespace sluice::core
