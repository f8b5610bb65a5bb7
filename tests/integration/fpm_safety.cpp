#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "fpm_site.h"
#include "processes.h"
#include "pty.h"
#include "served_site.h"
#include "sluice.h"

namespace tests {

using namespace std::chrono_literals;

TEST_CASE("a worker cannot rewrite the configuration that its master reads") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const auto path = wrapper_config_of(children_of(sluice.service()).front());
    REQUIRE_FALSE(path.empty());
    const Descriptor config(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(config.get() >= 0);
    CHECK(::write(config.get(), "[global]", 8) == -1);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(config.get(), 0) == -1);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a connection without a request holds the stop up, but is not a request that is cut") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[drain]\ndeadline = \"300ms\"\n"});
    REQUIRE(site.serves());
    const auto idle = site.place().connect();
    const pid_t master = sluice.service();
    REQUIRE(idle.get() >= 0);
    CHECK(sluice.stop() == 0);
    CHECK(occurrences(sluice.err(), "cut: ") == 0);
    CHECK_FALSE(exists(master));
}

TEST_CASE("Ctrl-C on FPM's terminal drains: the request in flight is answered") {
    const FpmSite site;
    std::vector<std::string> words{sluice_program(), "--"};
    const auto command = site.command();
    words.insert(words.end(), command.begin(), command.end());
    Terminal terminal(words, Mode::subreaper);
    REQUIRE(site.serves());
    auto request = site.in_flight(700ms);
    terminal.type("\x03");
    // Read at once: FPM's worker waits for its client to close.
    CHECK(FpmSite::is_whole(request.answer()));
    CHECK(terminal.shows("finished"));
    CHECK(terminal.exit_status() == 0);
}

TEST_CASE("what an entrypoint started before sluice lives on when FPM is swept") {
    const FpmSite site;
    std::string command;
    for (const auto& word : site.command()) command += word + " ";
    ChildProcess entrypoint(
        {{"sh", "-c", "sleep 1006 & echo side $!; exec " + sluice_program() + " -- " + command}});
    REQUIRE(site.serves());
    REQUIRE(entrypoint.says("side "));
    const pid_t side = std::stoi(entrypoint.out().substr(5));
    const auto masters = [&] {
        auto children = children_of(entrypoint.pid());
        std::erase(children, side);
        return children;
    };
    REQUIRE(masters().size() == 1);
    const pid_t master = masters().front();
    ::kill(master, SIGKILL);
    REQUIRE(entrypoint.logs("php-fpm8.2 answers", 2));
    CHECK(exists(side));
    CHECK(occurrences(entrypoint.err(), "hang in the kernel") == 0);
    ::kill(entrypoint.pid(), SIGTERM);
    CHECK(entrypoint.wait() == 0);
    ::kill(side, SIGKILL);
}

TEST_CASE("sluice check fails where a start would") {
    const FpmSite site;
    const auto check = [](std::vector<std::string> command) {
        command.insert(command.begin(), {sluice_program(), "check"});
        ChildProcess process({std::move(command)});
        const auto status = process.wait();
        return status ? WEXITSTATUS(*status) : -1;
    };
    CHECK(check(site.command()) == 0);
    CHECK(check({"true"}) == 0);
    CHECK(check({"/no/such/program"}) == 127);
    CHECK(check({"/etc/passwd"}) == 126);
    CHECK(check({"php-fpm8.2", "-y", "/no/such.conf"}) == 78);
    CHECK(check({site.folder().path("bin/wrapper"), "php-fpm8.2", "-y", "/no/such.conf"}) == 78);
}

} // namespace tests
