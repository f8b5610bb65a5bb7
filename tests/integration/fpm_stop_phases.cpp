#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <random>

#include "fpm_site.h"
#include "processes.h"

// Before the intake is closed, after FPM has gone, and a stop before either could be.

namespace tests {

TEST_CASE("drain.announce: new clients are served until it is over, then refused") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    const FpmSite site(FpmLines{.by_path = by_path});
    Sluice sluice(
        {.command = site.command(), .mode = mode, .config = "[drain]\nannounce = \"300ms\"\n"});
    REQUIRE(site.serves());
    const auto begin = std::chrono::steady_clock::now();
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("drain.announce"));
    auto slow = site.in_flight(500ms);
    CHECK(site.serves());
    CHECK(eventually([&] { return site.place().refusal() == (by_path ? ENOENT : ECONNREFUSED); }));
    CHECK(std::chrono::steady_clock::now() - begin >= 300ms);
    CHECK(FpmSite::is_whole(slow.answer()));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("drain.linger: after FPM has gone clients are refused at once, and then sluice goes") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    const FpmSite site(FpmLines{.by_path = by_path});
    Sluice sluice(
        {.command = site.command(), .mode = mode, .config = "[drain]\nlinger = \"500ms\"\n"});
    REQUIRE(site.serves());
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("drain.linger"));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(children_of(sluice.pid()).empty());
    CHECK(site.place().refusal() == (by_path ? ENOENT : ECONNREFUSED));
    CHECK_FALSE(sluice.has_ended());
    CHECK(sluice.exit_status() == 0);
    const auto lingered = std::chrono::steady_clock::now() - begin;
    CHECK(lingered >= 300ms);
    CHECK(lingered < 4s);
}

namespace {

// Before main() has blocked it no program can take a TERM: it dies of it, and to PID 1 the kernel
// does not deliver it at all. Under the sanitizers that takes 30 ms.
bool takes_term(pid_t pid) {
    const auto blocked = status_field(pid, "SigBlk");
    return !blocked.empty() && ((std::stoull(blocked, nullptr, 16) >> (SIGTERM - 1)) & 1U) != 0;
}

} // namespace

TEST_CASE(
    "TERM at a random instant of the start: status 0, and whoever has connected is answered") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    std::mt19937 random(std::random_device{}());
    for (int run = 0; run < 5; ++run) {
        const auto instant = std::chrono::microseconds(random() % 250'000);
        CAPTURE(instant.count());
        const FpmSite site(FpmLines{.by_path = by_path});
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(eventually([&] { return takes_term(sluice.pid()); }));
        const auto term_at = std::chrono::steady_clock::now() + instant;
        std::vector<FastcgiRequest> requests;
        eventually([&] {
            FastcgiRequest request(site.place(), site.folder().path("app/index.php"));
            if (request.sent()) requests.push_back(std::move(request));
            return std::chrono::steady_clock::now() >= term_at;
        });
        sluice.signal(SIGTERM);
        for (auto& request : requests) CHECK(request.answer() == "pong");
        CHECK(sluice.exit_status() == 0);
    }
}

} // namespace tests
