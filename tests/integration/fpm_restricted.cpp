#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "fpm_site.h"
#include "isolation.h"
#include "processes.h"

// What a container may take away, and entrypoints that do things of their own.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

bool cannot_be_tested() {
    if (::geteuid() == 0) return false;
    MESSAGE("skipped: taking rights away needs root");
    return true;
}

// Three are in flight and as many wait: all answered, and the intake was closed meanwhile.
void check_loses_nothing(const FpmSite& site, Sluice& sluice) {
    // (A request before them may still be finishing at the first look, and would count.)
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    auto first = site.in_flight(300ms);
    std::vector<FastcgiRequest> others;
    for (int i = 0; i < 6; ++i) {
        others.emplace_back(site.place(), site.folder().path("app/slow.php"), "mark=a&ms=100");
    }
    sluice.signal(SIGTERM);
    CHECK(FpmSite::is_whole(first.answer()));
    for (auto& request : others) CHECK(FpmSite::is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
    // A worker that accepts at the very first look counts as served already, and still says that it
    // is idle: then the line knows of one less.
    const auto line = sluice.last_log_line();
    CAPTURE(line);
    CHECK((contains(line, "7 finished") || contains(line, "6 finished")));
}

} // namespace

TEST_CASE("a read-only root with nothing but /dev/shm to write to") {
    const Mode mode = each_mode();
    if (cannot_be_tested()) return;
    // The script cannot make its mark, and answers with a warning before its text.
    const FpmSite site(FpmLines{.global = "error_log = /dev/shm/fpm.log\n"});
    std::vector<std::string> under;
    SUBCASE("root") {
        under = {};
    }
    SUBCASE("uid 33 without any privilege") {
        under = without_privileges();
    }
    const bool root = under.empty();
    // FPM's opcache wants a lock file in a folder that can be written.
    Sluice sluice({.command = site.command({"-d", "opcache.lockfile_path=/dev/shm"}),
                   .mode = mode,
                   .before_exec = read_only_root,
                   .under = under});
    CHECK(sluice.logs("answers after"));
    CHECK(contains(sluice.err(), root ? ", uid 0," : ", uid 33,"));
    REQUIRE(site.serves());
    std::vector<FastcgiRequest> requests;
    for (int i = 0; i < 9; ++i) {
        requests.emplace_back(site.place(), site.folder().path("app/slow.php"), "mark=a&ms=100");
    }
    sluice.signal(SIGTERM);
    for (auto& request : requests) {
        CHECK(contains(request.answer().value_or(""), "the whole answer\n"));
    }
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
}

TEST_CASE("uid 33 without any privilege loses nothing") {
    const Mode mode = each_mode();
    if (cannot_be_tested()) return;
    const FpmSite site(FpmLines{.by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode, .under = without_privileges()});
    check_loses_nothing(site, sluice);
}

TEST_CASE("an entrypoint script that drops root's rights before FPM starts") {
    const Mode mode = each_mode();
    if (cannot_be_tested()) return;
    const FpmSite site(FpmLines{.by_path = each_transport()});
    const auto script = site.folder().write(
        "bin/drop", "#!/bin/sh\nexec setpriv --reuid 33 --regid 33 --clear-groups \"$@\"\n", 0755);
    auto command = site.command();
    command.insert(command.begin(), script);
    Sluice sluice({.command = command, .mode = mode});
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    CHECK(status_field(sluice.service(), "Uid").starts_with("33"));
    check_loses_nothing(site, sluice);
}

TEST_CASE("a command line that is not FPM's own: its sockets are owned, and what is not is said") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.by_path = each_transport()});
    auto command = site.command({"-F"});
    command.insert(command.begin(), {"env", "X=1"});
    Sluice sluice({.command = command, .mode = mode, .config = "[service]\nkind = \"php-fpm\"\n"});
    REQUIRE(site.serves());
    CHECK(contains(sluice.err(), "process_control_timeout"));
    CHECK(contains(sluice.err(), "FPM cannot be asked for its status"));
    auto request = site.in_flight(300ms);
    auto waiting = site.in_flight(100ms);
    sluice.signal(SIGTERM);
    CHECK(FpmSite::is_whole(request.answer()));
    CHECK(FpmSite::is_whole(waiting.answer()));
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
    CHECK_FALSE(site.folder().has("marks/fpm.sock"));
}

} // namespace tests
