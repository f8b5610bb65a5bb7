#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "config/load.h"

using namespace sluice::config;

namespace {

// One line for each problem, without a newline after the last.
std::string problems(const std::string& text, const std::vector<std::string>& environment = {}) {
    std::string lines;
    for (const auto& problem : load(File{"c", text}, environment).problems) {
        if (!lines.empty()) lines += "\n";
        lines += (problem.warning ? "warning: " : "error: ") + to_text(problem);
    }
    return lines;
}

} // namespace

TEST_CASE("a plain service has nothing to reload") {
    const auto message =
        "\"reload\" has nothing to reload with service.kind = \"plain\"; write "
        "\"forward\", or \"forward NAME\" with the signal that the service reloads "
        "on";
    CHECK(problems("[service]\nkind = \"plain\"\n[signals]\nSIGHUP = \"reload\"\n") ==
          std::string("error: c:4:10: signals.HUP: ") + message);
    CHECK(problems("[signals]\n1 = \"reload\"\n", {"SLUICE_SERVICE_KIND=plain"}) ==
          std::string("error: c:2:5: signals.HUP: ") + message);
    CHECK(problems("[service]\nkind = \"php-fpm\"\n[signals]\nHUP = \"reload\"\n").empty());
    CHECK(problems("[signals]\nHUP = \"reload\"\n").empty());
    CHECK(problems("[service]\nkind = \"plain\"\n[signals]\nHUP = \"forward\"\n").empty());
}

TEST_CASE("a stop signal that only pauses is an error") {
    CHECK(problems("[service]\nstop_signal = \"STOP\"\n") ==
          "error: c:2:15: service.stop_signal: STOP pauses a process and does not end it; "
          "write one that ends it, as in \"TERM\" or \"QUIT\"");
    CHECK(problems("", {"SLUICE_SERVICE_STOP_SIGNAL=20"}) ==
          "error: environment: SLUICE_SERVICE_STOP_SIGNAL: TSTP pauses a process and does not "
          "end it; write one that ends it, as in \"TERM\" or \"QUIT\"");
    CHECK(problems("[service]\nstop_signal = \"KILL\"\n").empty());
}

TEST_CASE("a stop signal that makes PHP-FPM or nginx cut requests is a warning") {
    CHECK(problems("[service]\nkind = \"php-fpm\"\nstop_signal = 15\n") ==
          "warning: c:3:15: service.stop_signal: TERM makes PHP-FPM cut the requests in "
          "flight; remove the key, or write \"QUIT\", which lets them finish");
    CHECK(problems("[service]\nkind = \"nginx\"\nstop_signal = \"TERM\"\n") ==
          "warning: c:3:15: service.stop_signal: TERM makes nginx cut the requests in "
          "flight; remove the key, or write \"QUIT\", which lets them finish");
    CHECK(problems("[service]\nkind = \"php-fpm\"\nstop_signal = \"QUIT\"\n").empty());
    CHECK(problems("[service]\nstop_signal = \"TERM\"\n").empty());
}

TEST_CASE("a drain that no signal asks for is a warning") {
    const std::string none =
        "[signals]\nTERM = \"forward\"\nINT = \"ignore\"\nQUIT = \"forward\"\n";
    const std::string warning{
        "warning: c:2:8: signals.TERM: no signal is set to \"drain\": a stop cuts what is in "
        "flight, and with a restart policy the service is started again; write TERM = \"drain\""};
    CHECK(problems(none, {"SLUICE_SERVICE_KIND=php-fpm"}) == warning);
    CHECK(problems(none, {"SLUICE_DRAIN_DEADLINE=5s"}) == warning);
    CHECK(problems(none, {"SLUICE_DRAIN_DEADLINE=0s"}).empty());
    CHECK(problems(none).empty());
    CHECK(problems(none + "PWR = \"drain\"\n", {"SLUICE_SERVICE_KIND=php-fpm"}).empty());
}

TEST_CASE("kill_after without a deadline is a warning") {
    CHECK(problems("[drain]\ndeadline = \"0s\"\nkill_after = \"1s\"\n") ==
          "warning: c:3:14: drain.kill_after: has no effect with drain.deadline = \"0s\", "
          "which is none; remove one of the two");
    CHECK(problems("[drain]\ndeadline = \"0s\"\n").empty());
    CHECK(problems("[drain]\nkill_after = \"0s\"\n").empty());
}

TEST_CASE("a limit that the pauses keep out of reach is a warning") {
    CHECK(problems("[service]\nrestart_backoff = \"10s..1m\"\n") ==
          "warning: c:2:19: service.restart_backoff: the pauses alone of 5 restarts last 190s, "
          "longer than the window of 1m, so sluice never gives up; make "
          "service.restart_limit's window longer");
    CHECK(problems("[service]\nrestart_limit = \"100 in 10s\"\n").starts_with("warning: "));
    // 1 + 2 + 4 + 8 + 16 = 31: within it by nothing, then by a second.
    CHECK(problems("[service]\nrestart_backoff = \"1s..1m\"\nrestart_limit = \"5 in 31s\"\n")
              .empty());
    CHECK(problems("[service]\nrestart_backoff = \"1s..1m\"\nrestart_limit = \"5 in 30s\"\n")
              .starts_with("warning: "));
    CHECK(problems("[service]\nrestart = \"no\"\nrestart_backoff = \"10s..1m\"\n").empty());
    // The largest of all, without an overflow.
    CHECK(problems("[service]\nrestart_backoff = \"24h..24h\"\nrestart_limit = \"1000 in 24h\"\n")
              .starts_with("warning: "));
}

TEST_CASE("errors across keys are told together with the others, warnings wait") {
    const auto lines = problems("[service]\nkind = \"plain\"\nrestart_limit = 5\n"
                                "restart_backoff = \"10s..1m\"\n[signals]\nHUP = \"reload\"\n");
    CHECK(lines.starts_with("error: c:3:17: service.restart_limit: 5 (an integer) is not"));
    CHECK(lines.find("\nerror: c:6:7: signals.HUP: ") != std::string::npos);
    CHECK(lines.find("warning") == std::string::npos);
}
