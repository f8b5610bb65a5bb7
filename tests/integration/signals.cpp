#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <list>

#include "processes.h"
#include "roles.h"
#include "sluice.h"

namespace tests {

namespace {

std::string line(const std::string& who, int signal, int value = -1) {
    return who + " signal " + std::to_string(signal) + " value " + std::to_string(value) + "\n";
}

Launch recorder(Mode mode, std::vector<std::string> options = {}, std::string config = {}) {
    return {.command = role("record"),
            .mode = mode,
            .options = std::move(options),
            .config = std::move(config)};
}

void no_core_file() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

} // namespace

TEST_CASE("every signal that can be caught arrives") {
    Sluice sluice(recorder(each_mode()));
    REQUIRE(sluice.says("ready"));
    for (const int signal : storm_signals()) {
        CAPTURE(signal);
        sluice.signal(signal);
        CHECK(sluice.says(line("child", signal)));
    }
    CHECK(sluice.stop() == 0);
    CHECK(sluice.says(line("child", SIGTERM)));
}

TEST_CASE("no signal arrives that nobody sent") {
    const Mode mode = each_mode();
    for (int run = 0; run < 10; ++run) {
        Sluice sluice(recorder(mode));
        REQUIRE(sluice.says("ready"));
        sluice.queue(SIGRTMAX, 1); // read last of all that are pending
        REQUIRE(sluice.says(line("child", SIGRTMAX, 1)));
        CHECK(sluice.out() == "child ready\n" + line("child", SIGRTMAX, 1));
        CHECK(sluice.stop() == 0);
    }
}

TEST_CASE("real-time signals keep their value, order and number") {
    Sluice sluice(recorder(each_mode()));
    REQUIRE(sluice.says("ready"));
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
        sluice.queue(signal, 100 + signal);
        CHECK(sluice.says(line("child", signal, 100 + signal)));
    }
    for (int value = 0; value < 50; ++value) sluice.queue(SIGRTMIN + 1, value);
    REQUIRE(sluice.says(line("child", SIGRTMIN + 1, 49)));
    std::string expected;
    for (int value = 0; value < 50; ++value) expected += line("child", SIGRTMIN + 1, value);
    CHECK(sluice.out().find(expected) != std::string::npos);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("--signal rewrites, by names and numbers, several at once") {
    const Mode mode = each_mode();
    Sluice sluice(
        recorder(mode, {"--signal", "HUP:USR1", "--signal", "3:12", "-s", "USR1:RTMIN+1"}));
    REQUIRE(sluice.says("ready"));
    sluice.signal(SIGHUP);
    CHECK(sluice.says(line("child", SIGUSR1)));
    sluice.signal(SIGQUIT);
    CHECK(sluice.says(line("child", SIGUSR2)));
    sluice.signal(SIGUSR1);
    CHECK(sluice.says(line("child", SIGRTMIN + 1)));
    CHECK(sluice.stop() == 0);
    CHECK(sluice.out().find(line("child", SIGHUP)) == std::string::npos);
}

TEST_CASE("[signals] forwards, rewrites, ignores and drains; the command line wins") {
    const auto config = "[signals]\nHUP = \"ignore\"\nUSR1 = \"forward USR2\"\n"
                        "WINCH = \"forward\"\n\"RTMIN+3\" = \"drain\"\nINT = \"ignore\"\n"
                        "[service]\nstop_signal = \"TERM\"\n";
    Sluice sluice(recorder(each_mode(), {"--signal", "INT:ALRM"}, config));
    REQUIRE(sluice.says("ready"));
    sluice.signal(SIGHUP);
    sluice.signal(SIGUSR1);
    CHECK(sluice.says(line("child", SIGUSR2)));
    sluice.signal(SIGWINCH);
    CHECK(sluice.says(line("child", SIGWINCH)));
    sluice.signal(SIGINT);
    CHECK(sluice.says(line("child", SIGALRM)));
    CHECK(sluice.stop(SIGRTMIN + 3) == 0);
    CHECK(sluice.out().find(line("child", SIGHUP)) == std::string::npos);
    CHECK(sluice.says(line("child", SIGTERM)));
}

TEST_CASE("a signal goes to the first process alone, with --group to its whole group") {
    const Mode mode = each_mode();
    for (const bool group : {false, true}) {
        CAPTURE(group);
        const auto options =
            group ? std::vector<std::string>{"--group"} : std::vector<std::string>{};
        Sluice sluice({.command = role("family"), .mode = mode, .options = options});
        REQUIRE(sluice.says("ready", 2));
        sluice.signal(SIGUSR1);
        CHECK(sluice.says(line("child", SIGUSR1)));
        if (group) CHECK(sluice.says(line("grandchild", SIGUSR1)));
        CHECK(sluice.stop() == 0);
        CHECK(occurrences(sluice.out(), line("grandchild", SIGUSR1)) == (group ? 1 : 0));
    }
}

TEST_CASE("TSTP, TTIN and TTOU suspend service and sluice, CONT resumes both") {
    const Mode mode = each_mode();
    Sluice sluice({.command = {"sleep", "1000"}, .mode = mode});
    const pid_t service = sluice.service();
    for (const int signal : {SIGTSTP, SIGTTIN, SIGTTOU}) {
        CAPTURE(signal);
        sluice.signal(signal);
        CHECK(eventually([&] { return is_suspended(service); }));
        if (mode == Mode::subreaper) CHECK(eventually([&] { return is_suspended(sluice.pid()); }));
        sluice.signal(SIGCONT);
        CHECK(eventually([&] { return !is_suspended(service) && !is_suspended(sluice.pid()); }));
    }
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("a service that does not let itself be suspended does not suspend sluice") {
    Sluice sluice(recorder(each_mode()));
    REQUIRE(sluice.says("ready"));
    sluice.signal(SIGTSTP);
    CHECK(sluice.says(line("child", SIGTSTP)));
    CHECK_FALSE(is_suspended(sluice.pid()));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a fault that is sent to sluice is not forwarded: one line, then it dies") {
    const Mode mode = each_mode();
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
        CAPTURE(signal);
        Sluice sluice({.command = role("record"), .mode = mode, .before_exec = no_core_file});
        REQUIRE(sluice.says("ready"));
        sluice.signal(signal);
        // PID 1 cannot die of a signal that comes from its own namespace, so it exits instead.
        const int expected = mode == Mode::pid_1 ? 128 + signal : 1'000 + signal;
        CHECK(sluice.exit_status() == expected);
        CHECK(occurrences(sluice.err(), "\n") == 1);
        CHECK(sluice.err().find("fatal signal") != std::string::npos);
        CHECK(sluice.out().find("signal") == std::string::npos);
    }
}

TEST_CASE("after a storm of 10,000 signals the last of each kind arrives, and a stop is clean") {
    Sluice sluice(recorder(each_mode()));
    REQUIRE(sluice.says("ready"));
    const auto target = std::to_string(sluice.pid());
    std::list<ChildProcess> senders;
    for (int sender = 0; sender < 4; ++sender) {
        senders.emplace_back(ChildProcess::Start{role("storm", {target, "2500"}), {}, {}});
    }
    for (auto& sender : senders) REQUIRE(sender.wait() == 0);
    // The highest signal is read last, by sluice and by the service: after it all is quiet.
    sluice.queue(SIGRTMAX, 1'000'000);
    REQUIRE(sluice.says(line("child", SIGRTMAX, 1'000'000)));
    const auto before = sluice.out();
    for (const int signal : storm_signals()) {
        CAPTURE(signal);
        if (signal >= SIGRTMIN) {
            sluice.queue(signal, 2'000'000);
            CHECK(sluice.says(line("child", signal, 2'000'000)));
        } else {
            sluice.signal(signal);
            CHECK(
                sluice.says(line("child", signal), occurrences(before, line("child", signal)) + 1));
        }
    }
    // Real-time signals are not merged: none of the 10,000 is missing.
    for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) {
        CAPTURE(signal);
        const auto kind = "child signal " + std::to_string(signal) + " ";
        const auto kinds = static_cast<int>(storm_signals().size());
        const auto place = signal - SIGRTMAX + kinds - 1; // in storm_signals()
        const int sent = 4 * (2'500 / kinds + (place < 2'500 % kinds ? 1 : 0));
        CHECK(occurrences(before, kind) == sent + (signal == SIGRTMAX ? 1 : 0));
    }
    CHECK(sluice.stop() == 0);
}

} // namespace tests
