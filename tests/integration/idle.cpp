#include <doctest/doctest.h>

#include <ctime>

#include "fpm_site.h"
#include "processes.h"

namespace tests {

namespace {

long switches(pid_t pid) {
    return std::stol(status_field(pid, "voluntary_ctxt_switches")) +
           std::stol(status_field(pid, "nonvoluntary_ctxt_switches"));
}

// Not synchronisation: the time that is looked at.
void check_sleeps(Sluice& sluice) {
    const pid_t pid = sluice.pid();
    REQUIRE(eventually([&] { return state_of(pid)->state == 'S'; }));
    const auto before = switches(pid);
    const timespec two_seconds{2, 0};
    ::nanosleep(&two_seconds, nullptr);
    CHECK(switches(pid) == before);
}

} // namespace

TEST_CASE("an idle sluice does not wake up beside a plain service") {
    Sluice sluice({.command = role("record"), .mode = each_mode()});
    REQUIRE(sluice.says("ready"));
    check_sleeps(sluice);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("an idle sluice does not wake up beside FPM, requests or none") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    check_sleeps(sluice);
    CHECK(sluice.stop() == 0);
}

} // namespace tests
