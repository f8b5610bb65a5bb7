#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "await.h"
#include "fpm_site.h"
#include "processes.h"
#include "roles.h"
#include "sluice.h"

namespace tests {

using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void kill_all_of(pid_t master) {
    const auto workers = children_of(master);
    ::kill(master, SIGSTOP); // or it would replace the workers
    for (const pid_t worker : workers) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
    // A worker that was killed and has not had its turn yet may still accept.
    for (const pid_t worker : workers) REQUIRE(eventually([&] { return !exists(worker); }));
}

} // namespace

TEST_CASE("a killed master: its workers finish and leave, and a new run serves") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    const pid_t master = sluice.service();
    auto request = site.in_flight(1s);
    const auto workers = children_of(master);
    ::kill(master, SIGKILL);
    CHECK(site.serves()); // by the workers that are left
    REQUIRE(sluice.logs("php-fpm8.2 answers", 2));
    CHECK(site.is_whole(request.answer()));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    for (const pid_t worker : workers) CHECK_FALSE(exists(worker));
    CHECK(site.serves());
    CHECK(sluice.service() != master);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a stop while the workers of a killed master serve alone: they finish") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[service]\nrestart_backoff = \"30s..30s\"\n"});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto request = site.in_flight(1s);
    ::kill(sluice.service(), SIGKILL);
    REQUIRE(sluice.logs("the workers of the dead master go on serving"));
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 137); // the master's
    CHECK(contains(sluice.last_log_line(), "finished"));
}

TEST_CASE("a master that is killed during the drain leaves its workers to finish") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto request = site.in_flight(1s);
    const pid_t master = sluice.service();
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping php-fpm8.2"));
    ::kill(master, SIGKILL);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 137);
}

TEST_CASE("all of FPM killed: what comes meanwhile waits, and the next run answers it") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[service]\nrestart_backoff = \"500ms..1s\"\n"});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    kill_all_of(sluice.service());
    REQUIRE(sluice.logs("starting it again"));
    CHECK(site.serves()); // connected during the back-off
    CHECK(sluice.stop() == 0);
}

namespace {

// Makes a mark, leaves a program behind and goes on.
const std::string leaves_program_php = R"(<?php
exec('sleep 300 >/dev/null 2>&1 & echo $!', $pid);
file_put_contents(__DIR__ . '/../marks/pid', $pid[0]);
touch(__DIR__ . '/../marks/' . $_GET['mark']);
)";

} // namespace

namespace {

// Among sluice's children, which are orphans besides.
pid_t master_of(Sluice& sluice) {
    for (const pid_t child : children_of(sluice.pid())) {
        const auto title = read_file("/proc/" + std::to_string(child) + "/cmdline");
        if (contains(title, "master process")) return child;
    }
    FAIL("no master");
    return -1;
}

} // namespace

TEST_CASE("what PHP has left behind does not serve: all of FPM killed, the next run answers") {
    const FpmSite site;
    site.folder().write("app/leaves.php", leaves_program_php);
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto request = site.executing("leaves.php");
    REQUIRE(request.answer());
    kill_all_of(sluice.service());
    REQUIRE(sluice.logs("starting it again"));
    CHECK(site.serves());
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a second master is killed while the first one's workers are at work: all is answered") {
    const FpmSite site({.by_path = each_transport()});
    Sluice sluice({.command = site.command()});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto first = site.in_flight(3s);
    ::kill(master_of(sluice), SIGKILL);
    REQUIRE(sluice.logs("php-fpm8.2 answers", 2));
    auto second = site.in_flight(2s);
    ::kill(master_of(sluice), SIGKILL);
    REQUIRE(sluice.logs("php-fpm8.2 answers", 3));
    auto third = site.in_flight(1s);
    CHECK(site.is_whole(third.answer()));
    CHECK(site.is_whole(second.answer()));
    CHECK(site.is_whole(first.answer()));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    CHECK(site.serves());
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a stop while a dead master's worker finishes beside the next run: it is waited for") {
    const FpmSite site({.by_path = each_transport()});
    Sluice sluice({.command = site.command()});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto request = site.in_flight(2s);
    const auto workers = children_of(sluice.service());
    ::kill(sluice.service(), SIGKILL);
    REQUIRE(sluice.logs("php-fpm8.2 answers", 2));
    // The idle ones leave once nobody waits at the old listener any more.
    REQUIRE(eventually([&] { return std::ranges::count_if(workers, exists) == 1; }));
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("a script in front of FPM that is killed: FPM finishes, and a new run serves") {
    const FpmSite site;
    site.folder().write("bin/no-exec", "#!/bin/sh\n\"$@\"\n", 0755);
    auto command = site.command();
    command.insert(command.begin(), site.folder().path("bin/no-exec"));
    Sluice sluice({.command = command, .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto request = site.in_flight(1s);
    ::kill(sluice.service(), SIGKILL);
    CHECK(site.is_whole(request.answer()));
    REQUIRE(sluice.logs("php-fpm8.2 answers", 2));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    CHECK(site.serves());
    sluice.stop();
}

TEST_CASE("a stop in back-off: who waits in the queue is answered first") {
    const FpmSite site;
    Sluice sluice({.command = site.command(),
                   .mode = each_mode(),
                   .config = "[service]\nrestart_backoff = \"30s..30s\"\n"});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    kill_all_of(sluice.service());
    REQUIRE(sluice.logs("starting it again"));
    FastcgiRequest waits(site.place(), site.folder().path("app/index.php"));
    sluice.signal(SIGTERM);
    CHECK(waits.answer() == "pong");
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "finished"));
}

} // namespace tests
