#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <string>

#include "roles.h"
#include "sluice.h"

namespace tests {

namespace {

// No core files from the services that die of a fault.
void no_core_file() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

// A shell that dies of the signal.
Launch death_by(int signal, Mode mode) {
    return {.command = shell("kill -" + std::to_string(signal) + " $$; exit 99"),
            .mode = mode,
            .before_exec = no_core_file};
}

bool ends_a_program(int signal) {
    for (const int harmless :
         {SIGCHLD, SIGCONT, SIGURG, SIGWINCH, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU}) {
        if (signal == harmless) return false;
    }
    return signal <= SIGSYS || signal >= SIGRTMIN;
}

} // namespace

TEST_CASE("every exit status of the service is sluice's") {
    const Mode mode = each_mode();
    // The way from the service to the status is the same for PID 1, and a namespace costs time.
    const int step = mode == Mode::pid_1 ? 15 : 1;
    for (int status = 0; status < 256; status += step) {
        CAPTURE(status);
        CHECK(status_of({.command = shell("exit " + std::to_string(status)), .mode = mode}) ==
              status);
    }
}

TEST_CASE("a service that dies of signal n makes sluice exit with 128+n") {
    const Mode mode = each_mode();
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        if (!ends_a_program(signal)) continue;
        CAPTURE(signal);
        CHECK(status_of(death_by(signal, mode)) == 128 + signal);
    }
}

TEST_CASE("what is wrong with the command is 126 or 127, sluice's own errors are 125") {
    const Mode mode = each_mode();
    const TempFolder folder;
    const auto text = folder.write("text", "not for execution\n");
    CHECK(status_of({.command = {"/no/such/program"}, .mode = mode}) == 127);
    CHECK(status_of({.command = {"no-such-program"}, .mode = mode}) == 127);
    CHECK(status_of({.command = {""}, .mode = mode}) == 127);
    CHECK(status_of({.command = {text}, .mode = mode}) == 126);
    CHECK(status_of({.command = {folder.path()}, .mode = mode}) == 126);
    CHECK(status_of({.command = {}, .mode = mode}) == 125);
    CHECK(status_of({.command = {"true"}, .mode = mode, .options = {"--no-such-option"}}) == 125);
    CHECK(status_of({.command = {"true"}, .mode = mode, .options = {"--signal", "TERM:NO"}}) ==
          125);
    CHECK(status_of({.command = {"true"}, .mode = mode, .options = {"--map-exit", "256:0"}}) ==
          125);
    CHECK(status_of({.command = {"true"}, .mode = mode, .config = "[drain]\nno = 1\n"}) == 125);
}

TEST_CASE("the message names the program that could not be started, and why") {
    Sluice missing({.command = {"no-such-program"}});
    CHECK(missing.exit_status() == 127);
    CHECK(missing.err().find("no-such-program") != std::string::npos);
    CHECK(missing.err().find("No such file") != std::string::npos);
}

TEST_CASE("--map-exit replaces statuses, sluice's word for a signal too") {
    const Mode mode = each_mode();
    const std::vector<std::string> options{"--map-exit", "143:0", "--map-exit", "7:8"};
    CHECK(status_of({.command = shell("kill $$"), .mode = mode, .options = options}) == 0);
    CHECK(status_of({.command = shell("exit 143"), .mode = mode, .options = options}) == 0);
    CHECK(status_of({.command = shell("exit 7"), .mode = mode, .options = options}) == 8);
    CHECK(status_of({.command = shell("exit 8"), .mode = mode, .options = options}) == 8);
}

TEST_CASE("a service that ends at once is not missed") {
    const Mode mode = each_mode();
    for (int run = 0; run < 50; ++run) REQUIRE(status_of({.command = {"true"}, .mode = mode}) == 0);
}

} // namespace tests
