#include <doctest/doctest.h>

#include <csignal>

#include "fpm_site.h"
#include "sluice.h"

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const std::string three_errors = "[drain]\ndeadlin = \"8s\"\nkill_after = \"soon\"\n"
                                 "[service]\nrestart = \"sometimes\"\n";

} // namespace

TEST_CASE("nothing is started when anything is wrong, and every error is told at once") {
    const TempFolder folder;
    Sluice sluice({.command = {"touch", folder.path("started")},
                   .mode = each_mode(),
                   .config = three_errors});
    CHECK(sluice.exit_status() == 125);
    CHECK_FALSE(folder.has("started"));
    for (const auto* const what : {"sluice.toml:2", "deadline", "sluice.toml:3", "soon",
                                   "sluice.toml:5", "sometimes", "on-failure"}) {
        CAPTURE(what);
        CHECK(contains(sluice.err(), what));
    }
}

TEST_CASE("sluice check tells every error at once and fails, and starts nothing") {
    const TempFolder folder;
    Sluice check({.command = {"touch", folder.path("started")},
                  .options = {"check"},
                  .config = three_errors});
    CHECK(check.exit_status() == 125);
    CHECK_FALSE(folder.has("started"));
    CHECK(contains(check.err(), "deadlin"));
    CHECK(contains(check.err(), "\"soon\""));
    CHECK(contains(check.err(), "\"sometimes\""));
}

TEST_CASE("a syntax error is told alone, with its line") {
    Sluice check({.command = {"true"}, .options = {"check"}, .config = "[drain\nx = 1\n"});
    CHECK(check.exit_status() == 125);
    CHECK(occurrences(check.err(), "\n") == 1);
    CHECK(contains(check.err(), "sluice.toml:1"));
}

TEST_CASE("sluice check shows the plan of a good configuration") {
    const FpmSite site;
    Sluice check({.command = site.command(),
                  .options = {"check"},
                  .config = "[drain]\ndeadline = \"25s\"\n[signals]\nHUP = \"ignore\"\n"});
    CHECK(check.exit_status() == 0);
    CHECK(check.err().empty());
    for (const auto* const what :
         {"php-fpm", "-F", "process_control_timeout", "QUIT", "25 s", "HUP = ignore"}) {
        CAPTURE(what);
        CHECK(contains(check.out(), what));
    }
}

TEST_CASE("a missing file: wrong where it was asked for, fine at its usual place") {
    const Mode mode = each_mode();
    const TempFolder folder;
    const std::vector<std::string> touch{"touch", folder.path("started")};
    CHECK(status_of({.command = touch, .mode = mode, .options = {"--config", "/no/such.toml"}}) ==
          125);
    CHECK(status_of({.command = touch,
                     .mode = mode,
                     .environment = {{"SLUICE_CONFIG", "/no/such.toml"}}}) == 125);
    CHECK_FALSE(folder.has("started"));
    CHECK(status_of({.command = touch, .mode = mode}) == 0);
    CHECK(folder.has("started"));
}

TEST_CASE("SLUICE_CONFIG names the file, --config wins over it") {
    const Mode mode = each_mode();
    const TempFolder folder;
    const auto three =
        folder.write("three.toml", "[service]\ncommand = [\"sh\", \"-c\", \"exit 3\"]\n");
    const auto four =
        folder.write("four.toml", "[service]\ncommand = [\"sh\", \"-c\", \"exit 4\"]\n");
    CHECK(status_of({.command = {}, .mode = mode, .environment = {{"SLUICE_CONFIG", three}}}) == 3);
    CHECK(status_of({.command = {},
                     .mode = mode,
                     .options = {"--config", four},
                     .environment = {{"SLUICE_CONFIG", three}}}) == 4);
    CHECK(status_of({.command = shell("exit 5"), .mode = mode, .options = {"-c", four}}) == 5);
}

TEST_CASE("the environment wins over the file") {
    Sluice sluice({.command = role("record"),
                   .mode = each_mode(),
                   .config = "[service]\nstop_signal = \"USR1\"\n[signals]\nINT = \"drain\"\n",
                   .environment = {{"SLUICE_SERVICE_STOP_SIGNAL", "TERM"}}});
    REQUIRE(sluice.says("ready"));
    CHECK(sluice.stop(SIGINT) == 0);
    CHECK_FALSE(contains(sluice.out(), "signal 10"));
}

TEST_CASE("a bad value in the environment is an error, an unknown variable a warning") {
    Sluice bad({.command = {"true"}, .environment = {{"SLUICE_DRAIN_DEADLINE", "soon"}}});
    CHECK(bad.exit_status() == 125);
    CHECK(contains(bad.err(), "SLUICE_DRAIN_DEADLINE"));
    Sluice unknown({.command = {"true"}, .environment = {{"SLUICE_DRAIN_DEDLINE", "8s"}}});
    CHECK(unknown.exit_status() == 0);
    CHECK(contains(unknown.err(), "SLUICE_DRAIN_DEADLINE"));
    Sluice injected({.command = {"true"},
                     .environment = {{"SLUICE_SERVICE_PORT", "80"},
                                     {"SLUICE_PORT_80_TCP", "tcp://10.0.0.1:80"}}});
    CHECK(injected.exit_status() == 0);
    CHECK(injected.err().empty());
}

TEST_CASE("a plain service that goes well leaves no line of sluice") {
    Sluice sluice({.command = {"echo", "hello"}, .mode = each_mode()});
    CHECK(sluice.exit_status() == 0);
    CHECK(sluice.out() == "hello\n");
    CHECK(sluice.err().empty());
}

} // namespace tests
