#include <doctest/doctest.h>

#include <unistd.h>

#include <csignal>

#include "processes.h"
#include "sluice.h"

namespace tests {

namespace {

// 100 parents with 100 children each, that all end at once.
const auto* const ten_thousand_orphans =
    "j=0; while [ $j -lt 100 ]; do"
    "  (i=0; while [ $i -lt 100 ]; do true & i=$((i+1)); done);"
    "  j=$((j+1)); done; echo done; exec sleep 1000";

bool has_left(pid_t sluice) {
    return !descendants_of(sluice).empty();
}

} // namespace

TEST_CASE("10,000 orphans leave no zombie") {
    Sluice sluice({.command = shell(ten_thousand_orphans), .mode = each_mode()});
    const pid_t pid = sluice.pid();
    REQUIRE(eventually([&] { return sluice.out() == "done\n"; }, 120s));
    CHECK(eventually([&] { return descendants_of(pid).size() == 1; }));
    CHECK(zombies_below(pid) == 0);
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("an orphan is adopted, and lives on beside the service") {
    Sluice sluice(
        {.command = shell("(sleep 1001 &); echo done; exec sleep 1000"), .mode = each_mode()});
    REQUIRE(sluice.says("done"));
    CHECK(eventually([&] { return children_of(sluice.pid()).size() == 2; }));
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("what outlives the service gets TERM") {
    const Mode mode = each_mode();
    for (const std::string session : {"", "session"}) {
        CAPTURE(session);
        Sluice sluice({.command = role("leave", {"record", session}), .mode = mode});
        CHECK(sluice.exit_status() == 3);
        CHECK(occurrences(sluice.out(), "left signal 15") == 1);
        CHECK_FALSE(has_left(::getpid()));
    }
}

TEST_CASE("what outlives TERM gets KILL after a moment") {
    const Mode mode = each_mode();
    for (const std::string session : {"", "session"}) {
        CAPTURE(session);
        Sluice sluice({.command = role("leave", {"stubborn", session}), .mode = mode});
        CHECK(sluice.exit_status() == 3);
        CHECK(occurrences(sluice.out(), "stubborn ready") == 1);
        CHECK_FALSE(has_left(::getpid()));
    }
}

TEST_CASE("a suspended remainder is ended too") {
    Sluice sluice({.command = shell("sleep 1000 & kill -STOP $!; exit 5"), .mode = each_mode()});
    CHECK(sluice.exit_status() == 5);
    CHECK_FALSE(has_left(::getpid()));
}

TEST_CASE("remainders that fork on and on are ended") {
    const auto* const script =
        "(while :; do sleep 0.01; done) & (while :; do true & done) & exit 6";
    Sluice sluice({.command = shell(script), .mode = each_mode()});
    CHECK(sluice.exit_status() == 6);
    CHECK_FALSE(has_left(::getpid()));
}

} // namespace tests
