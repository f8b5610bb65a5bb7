#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "processes.h"
#include "pty.h"

namespace tests {

namespace {

std::vector<std::string> sluice_with(const std::vector<std::string>& command) {
    std::vector<std::string> words{sluice_program(), "--"};
    words.insert(words.end(), command.begin(), command.end());
    return words;
}

// Ctrl-C and Ctrl-Z reach the foreground job and nobody else; fg brings it back.
void check_job_control(const std::vector<std::string>& interactive_shell, Mode mode) {
    Terminal terminal(sluice_with(interactive_shell), mode);
    REQUIRE(terminal.shows("prompt> "));
    terminal.type("echo $((40 + 2)) is the answer\n");
    REQUIRE(terminal.shows("42 is the answer"));

    terminal.type("sleep 1001\n");
    const pid_t first = terminal.foreground_program("sleep");
    terminal.type("\x03");
    CHECK(eventually([&] { return !exists(first); }));
    REQUIRE(terminal.shows("prompt> "));

    terminal.type("sleep 1002\n");
    const pid_t second = terminal.foreground_program("sleep");
    terminal.type("\x1a");
    CHECK(eventually([&] { return is_suspended(second); }));
    terminal.type("echo $((20 + 3)) while it stands\n");
    REQUIRE(terminal.shows("23 while it stands"));
    terminal.type("fg\n");
    CHECK(eventually([&] { return !is_suspended(second); }));
    CHECK(terminal.foreground_program("sleep") == second);
    terminal.type("\x03");
    CHECK(eventually([&] { return !exists(second); }));

    terminal.type("exit 7\n");
    CHECK(terminal.exit_status() == 7);
    CHECK(terminal.screen().find("no job control") == std::string::npos);
    CHECK(terminal.screen().find("can't access tty") == std::string::npos);
}

} // namespace

TEST_CASE("bash under sluice has job control") {
    check_job_control({"bash", "--norc", "--noprofile", "-i"}, each_mode());
}

TEST_CASE("sh under sluice has job control") {
    check_job_control({"sh", "-i"}, each_mode());
}

TEST_CASE("Ctrl-C reaches a service that has the terminal") {
    Terminal terminal(
        sluice_with(shell("trap 'exit 5' INT; echo ready; while :; do sleep 0.1; done")),
        each_mode());
    REQUIRE(terminal.shows("ready"));
    terminal.type("\x03");
    CHECK(terminal.exit_status() == 5);
}

TEST_CASE("Ctrl-Z suspends the service and sluice, and the shell above brings both back") {
    Terminal terminal({"bash", "--norc", "--noprofile", "-i"}, Mode::subreaper);
    REQUIRE(terminal.shows("prompt> "));
    terminal.type(sluice_program() + " -- sleep 1003\n");
    const pid_t service = terminal.foreground_program("sleep");
    const pid_t sluice = state_of(service)->parent;
    terminal.type("\x1a");
    CHECK(eventually([&] { return is_suspended(service) && is_suspended(sluice); }));
    REQUIRE(terminal.shows("prompt> "));
    terminal.type("fg\n");
    CHECK(eventually([&] { return !is_suspended(service) && !is_suspended(sluice); }));
    CHECK(terminal.foreground_program("sleep") == service);
    terminal.type("\x03");
    CHECK(eventually([&] { return !exists(service) && !exists(sluice); }));
    REQUIRE(terminal.shows("prompt> "));
    terminal.type("echo status $?\n");
    CHECK(terminal.shows("status 130"));
}

TEST_CASE("in a background process group sluice does not take the terminal") {
    Terminal terminal({"bash", "--norc", "--noprofile", "-i"}, Mode::subreaper);
    REQUIRE(terminal.shows("prompt> "));
    terminal.type(sluice_program() + " -- sh -c 'echo up; exec sleep 1004' &\n");
    REQUIRE(terminal.shows("up\r\n"));
    CHECK(terminal.foreground() == terminal.leader());
    terminal.type("echo $((40 + 2)) still here\n");
    CHECK(terminal.shows("42 still here"));
    CHECK(terminal.foreground() == terminal.leader());
}

TEST_CASE("a hang-up reaches the service") {
    Terminal terminal(sluice_with({"sleep", "1005"}), Mode::subreaper);
    terminal.foreground_program("sleep");
    ::kill(terminal.leader(), SIGHUP);
    CHECK(terminal.exit_status() == 128 + SIGHUP);
}

TEST_CASE("the terminal is given back when the service has ended") {
    Terminal terminal({"bash", "--norc", "--noprofile", "-c",
                       sluice_program() + " true; echo asks; read answer; echo got $answer"},
                      Mode::subreaper);
    REQUIRE(terminal.shows("asks"));
    terminal.type("forty-two\n");
    CHECK(terminal.shows("got forty-two"));
}

TEST_CASE("started in the background, sluice and its service come to the foreground by fg") {
    Terminal terminal({"bash", "--norc", "--noprofile", "-i"}, Mode::subreaper);
    REQUIRE(terminal.shows("prompt> "));
    terminal.type(sluice_program() + " -- cat &\n");
    // cat reads from a terminal that is not its own.
    REQUIRE(eventually([&] {
        const auto below = descendants_of(terminal.leader());
        return below.size() == 2 && std::ranges::all_of(below, is_suspended);
    }));
    terminal.type("fg\n");
    terminal.foreground_program("cat");
    terminal.type("echoed\n");
    CHECK(terminal.shows("echoed\r\nechoed"));
    terminal.type("\x03");
    CHECK(terminal.shows("prompt> "));
}

} // namespace tests
