#include <doctest/doctest.h>

#include <csignal>

#include "processes.h"
#include "sluice.h"

namespace tests {

namespace {

Launch broken(std::vector<std::string> command, Mode mode) {
    return {
        .command = std::move(command), .mode = mode, .environment = {{"SLUICE_FAULT", "signals"}}};
}

} // namespace

TEST_CASE("what escapes to the top of the loop is logged, and sluice goes on as a plain init") {
    const Mode mode = each_mode();
    if (!has_fault_points()) return;
    Sluice sluice(broken(role("record"), mode));
    REQUIRE(sluice.says("ready"));
    sluice.signal(SIGUSR1);
    REQUIRE(sluice.logs("internal error"));
    sluice.signal(SIGUSR2);
    CHECK(sluice.says("signal 12"));
    CHECK(sluice.stop() == 0);
    CHECK(sluice.says("signal 15"));
    CHECK(occurrences(sluice.err(), "internal error") == 1);
}

TEST_CASE("the signal that found the error is not lost: a stop stops") {
    const Mode mode = each_mode();
    if (!has_fault_points()) return;
    Sluice sluice(broken(role("record"), mode));
    REQUIRE(sluice.says("ready"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a plain init reaps orphans and gives the service's own status") {
    const Mode mode = each_mode();
    if (!has_fault_points()) return;
    auto command = shell("i=0; while [ $i -lt 200 ]; do (true &); i=$((i+1)); done; exec \"$@\"");
    command.push_back("sh");
    for (const auto& word : role("wait-then-exit", {"7"})) command.push_back(word);
    Sluice sluice(broken(command, mode));
    REQUIRE(sluice.says("ready"));
    REQUIRE(sluice.logs("internal error"));
    CHECK(eventually([&] { return descendants_of(sluice.pid()).size() == 1; }));
    CHECK(sluice.stop() == 7);
}

TEST_CASE("a plain init notices a service that ends by itself") {
    const Mode mode = each_mode();
    if (!has_fault_points()) return;
    for (int run = 0; run < 20; ++run) CHECK(status_of(broken(shell("exit 7"), mode)) == 7);
}

} // namespace tests
