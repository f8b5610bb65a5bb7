#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>

#include "fpm_site.h"
#include "sluice.h"

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string policy(const std::string& when, const std::string& backoff, const std::string& limit) {
    return "[log]\nlevel = \"info\"\n[service]\nrestart = \"" + when + "\"\nrestart_backoff = \"" +
           backoff + "\"\nrestart_limit = \"" + limit + "\"\n";
}

struct Outcome {
    int status;
    int runs;
};

Outcome outcome_of(int service_status, const std::string& when, Mode mode) {
    Sluice sluice({.command = shell("echo run; exit " + std::to_string(service_status)),
                   .mode = mode,
                   .config = policy(when, "1ms..4ms", "3 in 60s")});
    const int status = sluice.exit_status();
    return {status, occurrences(sluice.out(), "run\n")};
}

void forbid_forks() {
    become_www_data();
    rlimit limit{};
    ::getrlimit(RLIMIT_NPROC, &limit);
    limit.rlim_cur = 0; // after setuid: it counts in fork only, not in exec
    ::setrlimit(RLIMIT_NPROC, &limit);
}

} // namespace

TEST_CASE("restart policies: who is started again, how often, with what status at the end") {
    const Mode mode = each_mode();
    const auto check = [&](int status, const char* when, int runs) {
        CAPTURE(status);
        CAPTURE(when);
        const auto outcome = outcome_of(status, when, mode);
        CHECK(outcome.status == status);
        CHECK(outcome.runs == runs);
    };
    check(9, "no", 1);
    check(9, "on-failure", 4);
    check(0, "on-failure", 1);
    check(9, "always", 4);
    check(0, "always", 4);
}

TEST_CASE("a service that dies of a signal is a failure") {
    Sluice sluice({.command = shell("echo run; kill -KILL $$"),
                   .mode = each_mode(),
                   .config = policy("on-failure", "1ms..1ms", "2 in 60s")});
    CHECK(sluice.exit_status() == 128 + SIGKILL);
    CHECK(occurrences(sluice.out(), "run\n") == 3);
}

TEST_CASE("the back-off grows up to its longest, and the limit is told") {
    Sluice sluice({.command = shell("exit 9"),
                   .mode = each_mode(),
                   .config = policy("on-failure", "20ms..50ms", "3 in 60s")});
    CHECK(sluice.exit_status() == 9);
    CHECK(occurrences(sluice.err(), "again in 20 ms") == 1);
    CHECK(occurrences(sluice.err(), "again in 40 ms") == 1);
    CHECK(occurrences(sluice.err(), "again in 50 ms") == 1);
    CHECK(contains(sluice.last_log_line(), "giving up"));
}

TEST_CASE("a stop during the back-off ends at once, with the service's status") {
    const Mode mode = each_mode();
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
        CAPTURE(signal);
        Sluice sluice({.command = shell("echo run; exit 9"),
                       .mode = mode,
                       .config = policy("on-failure", "10m..10m", "3 in 60s")});
        REQUIRE(sluice.logs("starting it again"));
        REQUIRE(sluice.stop(signal) == 9);
        CHECK(occurrences(sluice.out(), "run\n") == 1);
    }
}

TEST_CASE("no restart after a drain began") {
    const Mode mode = each_mode();
    for (const std::string more : {"[drain]\ndeadline = \"5m\"\n", ""}) {
        CAPTURE(more);
        Sluice sluice({.command = role("record"),
                       .mode = mode,
                       .config = policy("always", "1ms..1ms", "3 in 60s") + more});
        REQUIRE(sluice.says("ready"));
        REQUIRE(sluice.stop() == 0);
        CHECK(occurrences(sluice.out(), "ready") == 1);
    }
}

TEST_CASE("a service that ignores every signal is killed at the deadline, and the log says so") {
    Sluice sluice(
        {.command = role("stubborn"),
         .mode = each_mode(),
         .config =
             "[log]\nlevel = \"info\"\n[drain]\ndeadline = \"200ms\"\nkill_after = \"100ms\"\n"});
    REQUIRE(sluice.says("ready"));
    CHECK(sluice.stop() == 128 + SIGKILL);
    CHECK(contains(sluice.last_log_line(), "stopped in"));
    CHECK(contains(sluice.last_log_line(), "killed"));
}

TEST_CASE("a deadline ends a service that is suspended") {
    Sluice sluice({.command = {"sleep", "1000"},
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"100ms\"\nkill_after = \"5m\"\n"});
    ::kill(sluice.service(), SIGSTOP);
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("no process can be had: the message says what to do, status 125") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: the limit does not bind root, and becoming www-data needs root");
        return;
    }
    // LeakSanitizer wants a process of its own at the end.
    Sluice sluice({.command = {"true"},
                   .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}},
                   .before_exec = forbid_forks});
    CHECK(sluice.exit_status() == 125);
    CHECK(contains(sluice.err(), "fork"));
    CHECK(contains(sluice.err(), "--pids-limit"));
}

TEST_CASE("no process can be had for a moment: tried again as the policy says") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: the limit does not bind root, and becoming www-data needs root");
        return;
    }
    Sluice sluice({.command = {"echo", "run"},
                   .config = policy("on-failure", "20ms..20ms", "1000 in 60s"),
                   .environment = {{"ASAN_OPTIONS", "detect_leaks=0"}},
                   .before_exec = forbid_forks});
    REQUIRE(sluice.logs("starting it again"));
    // As its own user: to change another one's limits takes CAP_SYS_RESOURCE.
    ChildProcess allow_forks(
        {{"prlimit", "--pid", std::to_string(sluice.pid()), "--nproc=1000:"}, {}, become_www_data});
    REQUIRE(allow_forks.wait() == 0);
    CHECK(sluice.exit_status() == 0);
    CHECK(sluice.out() == "run\n");
}

} // namespace tests
