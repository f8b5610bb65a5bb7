#include <doctest/doctest.h>

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
    const pid_t master = sluice.service();
    const auto workers = children_of(master);
    ::kill(master, SIGSTOP); // or it would replace the workers
    for (const pid_t worker : workers) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
    REQUIRE(sluice.logs("starting it again"));
    CHECK(site.serves()); // connected during the back-off
    CHECK(sluice.stop() == 0);
}

} // namespace tests
