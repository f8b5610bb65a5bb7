#include <doctest/doctest.h>

#include <csignal>
#include <set>

#include "signals/meaning.h"
#include "signals/names.h"
#include "signals/rule.h"

namespace sluice::signals {

TEST_CASE("signals are read by name, with or without SIG, in any case, and by number") {
    for (const auto* const text : {"TERM", "SIGTERM", "term", "SigTerm", "15"}) {
        CAPTURE(text);
        CHECK(number_of(text) == SIGTERM);
    }
    CHECK(number_of("RTMIN") == SIGRTMIN);
    CHECK(number_of("SIGRTMIN+3") == SIGRTMIN + 3);
    CHECK(number_of("rtmax-1") == SIGRTMAX - 1);
    CHECK(number_of("64") == 64);
    CHECK(number_of("POLL") == SIGIO);
    CHECK(number_of("IOT") == SIGABRT);
}

TEST_CASE("what is no signal has no number") {
    for (const auto* const text :
         {"", "SIG", "FOO", "TERMX", "0", "-1", "65", "32", "33", "15 ", " 15", "RTMIN+", "RTMIN-1",
          "RTMIN+99", "RTMAX+1", "RTMIN+-1", "99999999999", "RTMIN+1x"}) {
        CAPTURE(text);
        CHECK_FALSE(number_of(text));
    }
}

TEST_CASE("every name leads back to its number") {
    for (const int signal : catchable()) CHECK(number_of(name_of(signal)) == signal);
    for (const int signal : faults) CHECK(number_of(name_of(signal)) == signal);
    CHECK(name_of(SIGTERM) == "TERM");
    CHECK(name_of(SIGRTMIN) == "RTMIN");
    CHECK(name_of(SIGRTMAX) == "RTMIN+30");
    CHECK(name_of(99) == "99");
}

TEST_CASE("catchable are all but KILL, STOP, faults and the C library's own") {
    const std::set<int> all(catchable().begin(), catchable().end());
    CHECK(all.size() == 64 - 2 - 2 - faults.size());
    for (const int signal : {SIGKILL, SIGSTOP, 32, 33, SIGSEGV, SIGABRT}) {
        CHECK_FALSE(all.contains(signal));
    }
    CHECK(all.contains(SIGCHLD));
}

TEST_CASE("rules are read") {
    CHECK(parse_rule("drain") == Rule{Meaning::drain});
    CHECK(parse_rule("reload") == Rule{Meaning::reload});
    CHECK(parse_rule("ignore") == Rule{Meaning::ignore});
    CHECK(parse_rule("forward") == Rule{Meaning::forward});
    CHECK(parse_rule("forward QUIT") == Rule{Meaning::forward, SIGQUIT});
    CHECK(parse_rule("forward 9") == Rule{Meaning::forward, SIGKILL});
    for (const auto* const text : {"", "Drain", "forward ", "forward FOO", "forwardQUIT", "QUIT"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rule(text));
    }
}

TEST_CASE("rewrites are read") {
    const auto rewrite = parse_rewrite("TERM:3");
    REQUIRE(rewrite);
    CHECK(rewrite->first == SIGTERM);
    CHECK(rewrite->second == Rule{Meaning::forward, SIGQUIT});
    for (const auto* const text : {"", ":", "TERM", "TERM:", ":QUIT", "KILL:TERM", "CHLD:TERM",
                                   "SEGV:TERM", "TERM:QUIT:INT", "TERM:0"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_rewrite(text));
    }
}

TEST_CASE("a batch is put in order: drain, reload, the rest as it came") {
    const Rules rules{{SIGTERM, Rule{Meaning::drain}},
                      {SIGHUP, Rule{Meaning::reload}},
                      {SIGUSR2, Rule{Meaning::ignore}}};
    std::vector<Received> batch;
    for (const int signal : {SIGHUP, SIGUSR1, SIGUSR2, SIGTERM, SIGWINCH, SIGRTMIN}) {
        batch.push_back({.signal = signal, .sender = 1, .value = {}, .from_process = true});
    }
    sort_by_importance(batch, rules);
    std::vector<int> order;
    for (const auto& received : batch) order.push_back(received.signal);
    CHECK(order == std::vector{SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH, SIGRTMIN});
}

} // namespace sluice::signals
