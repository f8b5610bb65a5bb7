#include "fleet/rollout.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

namespace sluice::fleet {

namespace {

using std::chrono::milliseconds;
using Indices = std::vector<std::size_t>;
using State = Rollout::State;

constexpr Rollout::Time start{};

Rollout::Time at(int ms) {
    return start + milliseconds(ms);
}

Rollout::Ended well(std::size_t which) {
    return {.which = which, .well = true};
}

Rollout::Ended badly(std::size_t which) {
    return {.which = which, .well = false};
}

} // namespace

TEST_CASE("The canary is alone, and then at most so many follow at a time") {
    Rollout rollout({.count = 5, .parallel = 2});
    CHECK_FALSE(rollout.over());
    CHECK(rollout.on(Rollout::Start{}, start) == Indices{0});
    CHECK(rollout.on(Rollout::Elapsed{}, start) == Indices{});
    CHECK(rollout.on(well(0), start) == Indices{1, 2});
    CHECK(rollout.on(well(2), start) == Indices{3});
    CHECK(rollout.on(badly(1), start) == Indices{4});
    CHECK(rollout.on(well(3), start).empty());
    CHECK_FALSE(rollout.over());
    CHECK(rollout.on(well(4), start).empty());
    CHECK(rollout.over());
    CHECK(rollout.count(State::done) == 4);
    CHECK(rollout.state(1) == State::failed);
    CHECK_FALSE(rollout.halted());
}

TEST_CASE("Nobody follows a canary that failed") {
    Rollout rollout({.count = 3, .parallel = 3});
    CHECK(rollout.on(Rollout::Start{}, start) == Indices{0});
    CHECK(rollout.on(badly(0), start).empty());
    CHECK(rollout.over());
    CHECK(rollout.halted());
    CHECK(rollout.count(State::waiting) == 2);
}

TEST_CASE("Without a canary as many begin at once as may") {
    Rollout rollout({.count = 3, .parallel = 2, .canary = false});
    CHECK(rollout.on(Rollout::Start{}, start) == Indices{0, 1});
    CHECK(rollout.on(badly(0), start) == Indices{2});
}

TEST_CASE("Where failures halt it, what has begun is awaited") {
    Rollout rollout({.count = 5, .parallel = 2, .halt_at_failure = true});
    rollout.on(Rollout::Start{}, start);
    CHECK(rollout.on(well(0), start) == Indices{1, 2});
    CHECK(rollout.on(badly(1), start).empty());
    CHECK_FALSE(rollout.over());
    CHECK(rollout.on(well(2), start).empty());
    CHECK(rollout.over());
    CHECK(rollout.count(State::waiting) == 2);
}

TEST_CASE("A place stays empty for the pause; after the canary all do") {
    Rollout rollout({.count = 5, .parallel = 2, .pause = milliseconds(100)});
    rollout.on(Rollout::Start{}, at(0));
    CHECK_FALSE(rollout.wake_up());
    CHECK(rollout.on(well(0), at(50)).empty());
    CHECK(rollout.wake_up() == at(150));
    CHECK(rollout.on(Rollout::Elapsed{}, at(149)).empty());
    CHECK(rollout.on(Rollout::Elapsed{}, at(150)) == Indices{1, 2});
    CHECK(rollout.on(well(1), at(160)).empty());
    CHECK(rollout.on(well(2), at(200)).empty());
    CHECK(rollout.wake_up() == at(260));
    CHECK(rollout.on(Rollout::Elapsed{}, at(260)) == Indices{3});
    CHECK(rollout.on(Rollout::Elapsed{}, at(300)) == Indices{4});
    CHECK(rollout.on(well(3), at(310)).empty());
    CHECK_FALSE(rollout.wake_up()); // nobody waits for that place
    CHECK(rollout.on(well(4), at(310)).empty());
    CHECK(rollout.over());
}

TEST_CASE("An interruption lets what has begun finish, and ends a pause at once") {
    Rollout rollout({.count = 5, .parallel = 2, .pause = milliseconds(100)});
    rollout.on(Rollout::Start{}, at(0));
    SUBCASE("with one under way") {
        CHECK(rollout.on(Rollout::Interrupted{}, at(10)).empty());
        CHECK_FALSE(rollout.over());
        CHECK(rollout.on(well(0), at(20)).empty());
    }
    SUBCASE("in a pause") {
        rollout.on(well(0), at(20));
        CHECK_FALSE(rollout.over());
        CHECK(rollout.on(Rollout::Interrupted{}, at(30)).empty());
        CHECK_FALSE(rollout.wake_up());
        CHECK(rollout.on(Rollout::Elapsed{}, at(500)).empty());
    }
    CHECK(rollout.over());
    CHECK(rollout.count(State::waiting) == 4);
}

TEST_CASE("What is not under way cannot end, and nothing is nothing to do") {
    Rollout rollout({.count = 2});
    rollout.on(Rollout::Start{}, start);
    CHECK(rollout.on(well(1), start).empty());
    CHECK(rollout.state(1) == State::waiting);
    CHECK(rollout.on(well(0), start) == Indices{1});
    CHECK(rollout.on(well(0), start).empty());
    Rollout none({.count = 0});
    CHECK(none.on(Rollout::Start{}, start).empty());
    CHECK(none.over());
}

// Any sequence of ends, pauses and interruptions, with the events that the loop may bring too
// often.
TEST_CASE("Random roll-outs keep their promises, and end") {
    for (unsigned seed = 1; seed <= 3'000; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        const auto pick = [&](int below) {
            return std::uniform_int_distribution<int>(0, below - 1)(random);
        };
        const Rollout::Terms terms{.count = static_cast<std::size_t>(pick(12)),
                                   .parallel = static_cast<std::size_t>(1 + pick(5)),
                                   .pause = milliseconds(pick(2) * pick(50)),
                                   .canary = pick(3) > 0,
                                   .halt_at_failure = pick(2) == 0};
        Rollout rollout(terms);
        std::set<std::size_t> under_way;
        std::set<std::size_t> begun;
        bool canary_failed = false;
        bool failed = false;
        bool interrupted = false;
        int now = 0;
        int steps = 0;
        std::optional<Rollout::Time> last_end;
        const auto tell = [&](const Rollout::Event& event) {
            for (const auto which : rollout.on(event, at(now))) {
                REQUIRE(begun.insert(which).second); // nobody twice
                under_way.insert(which);
                REQUIRE_FALSE(canary_failed);
                REQUIRE_FALSE(interrupted);
                REQUIRE_FALSE((terms.halt_at_failure && failed));
                if (terms.canary && which != 0) REQUIRE(rollout.state(0) == State::done);
                // With one place a pause is between any two.
                if (terms.parallel == 1 && last_end) {
                    REQUIRE(at(now) >= *last_end + terms.pause);
                }
            }
            REQUIRE(under_way.size() <= terms.parallel);
            REQUIRE(rollout.count(State::under_way) == under_way.size());
        };
        tell(Rollout::Start{});
        while (!rollout.over()) {
            REQUIRE(++steps < 1'000);
            // There is always something that can come next.
            REQUIRE((!under_way.empty() || rollout.wake_up()));
            now += pick(20);
            if (pick(40) == 0) {
                interrupted = true;
                rollout.on(Rollout::Interrupted{}, at(now));
            } else if (!under_way.empty() && pick(3) > 0) {
                const auto which =
                    *std::next(under_way.begin(), pick(static_cast<int>(under_way.size())));
                const bool good = pick(5) > 0;
                under_way.erase(which);
                failed = failed || !good;
                canary_failed = canary_failed || (terms.canary && which == 0 && !good);
                last_end = at(now);
                tell(Rollout::Ended{.which = which, .well = good});
            } else if (const auto wake_up = rollout.wake_up(); wake_up && pick(2) == 0) {
                now = std::max(now, static_cast<int>((*wake_up - start) / milliseconds(1)));
                tell(Rollout::Elapsed{});
            } else {
                tell(Rollout::Elapsed{});
            }
        }
        REQUIRE(under_way.empty());
        const bool all = !interrupted && !canary_failed && !(terms.halt_at_failure && failed);
        if (all) REQUIRE(begun.size() == terms.count);
        now += 1'000;
        tell(Rollout::Elapsed{}); // over is over
        REQUIRE(under_way.empty());
    }
}

TEST_CASE("Those with names that are alike do not have their turn together") {
    CHECK(spread(8, 2) == Indices{0, 4, 1, 5, 2, 6, 3, 7});
    CHECK(spread(5, 2) == Indices{0, 3, 1, 4, 2});
    CHECK(spread(3, 8) == Indices{0, 1, 2});
    CHECK(spread(3, 1) == Indices{0, 1, 2});
    CHECK(spread(0, 4).empty());
    for (std::size_t count = 0; count < 30; ++count) {
        for (std::size_t parallel = 1; parallel < 12; ++parallel) {
            auto order = spread(count, parallel);
            std::ranges::sort(order);
            Indices all(count);
            for (std::size_t which = 0; which < count; ++which) all[which] = which;
            CHECK(order == all);
        }
    }
}

TEST_CASE("Three quarters go on serving") {
    CHECK(careful_parallel(1) == 1);
    CHECK(careful_parallel(7) == 1);
    CHECK(careful_parallel(8) == 2);
    CHECK(careful_parallel(40) == 10);
}

} // namespace sluice::fleet
