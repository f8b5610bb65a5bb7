#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "fpm_site.h"
#include "processes.h"

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::string words(const std::vector<std::string>& command) {
    std::string text;
    for (const auto& word : command) text += word + " ";
    return text;
}

// Served, drained as FPM wants it, and never a daemon.
void check_is_fpm(const FpmSite& site, Launch launch) {
    CAPTURE(words(launch.command));
    launch.environment = site.search_path();
    Sluice sluice(launch);
    REQUIRE(site.serves());
    CHECK(sluice.logs("kind php-fpm"));
    CHECK(children_of(sluice.pid()).size() == 1);
    auto request = site.in_flight(300ms);
    sluice.signal(SIGTERM);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
}

// The plan that `sluice check` prints.
std::string plan_for(const FpmSite& site, const std::vector<std::string>& command) {
    Sluice sluice({.command = command, .options = {"check"}, .environment = site.search_path()});
    CHECK(sluice.exit_status() == 0);
    return sluice.out();
}

bool is_plain(const FpmSite& site, const std::vector<std::string>& command) {
    const auto plan = plan_for(site, command);
    INFO(plan);
    return plan.starts_with("kind        plain\n");
}

} // namespace

TEST_CASE("FPM is recognised directly, and behind wrapper scripts") {
    const Mode mode = each_mode();
    const FpmSite site;
    check_is_fpm(site, {.command = site.command(), .mode = mode});
    check_is_fpm(site, {.command = {"php-fpm", "--fpm-config", site.config()}, .mode = mode});
    check_is_fpm(
        site, {.command = {"docker-php-entrypoint", "php-fpm", "-y", site.config()}, .mode = mode});
    check_is_fpm(site, {.command = {"docker-php-entrypoint", "-y", site.config()}, .mode = mode});
    check_is_fpm(site, {.command = {"wrapper", "php-fpm", "-y", site.config()}, .mode = mode});
    check_is_fpm(
        site, {.command = {"wrapper", "docker-php-entrypoint", "php-fpm8.2", "-y", site.config()},
               .mode = mode});
}

TEST_CASE("FPM never daemonises") {
    const Mode mode = each_mode();
    const FpmSite site("daemonize = yes");
    check_is_fpm(site, {.command = site.command(), .mode = mode});
    check_is_fpm(site, {.command = site.command({"-D"}), .mode = mode});
    check_is_fpm(site, {.command = site.command({"--daemonize"}), .mode = mode});
    check_is_fpm(site, {.command = {"docker-php-entrypoint", "php-fpm", "-Dy", site.config()},
                        .mode = mode});
}

TEST_CASE("what only looks like FPM is plain") {
    const FpmSite site;
    site.folder().write("bin/php-fpm_exporter", "#!/bin/sh\n", 0755);
    for (const auto* const flag : {"-t", "-tt", "-v", "-m", "-i", "-h", "--version", "--test"})
        CHECK(is_plain(site, {"php-fpm8.2", flag}));
    CHECK(is_plain(site, {"php-fpm_exporter"}));
    CHECK(is_plain(site, {"tail", "php-fpm.log"}));
    CHECK(is_plain(site, {"tail", "-f", "php-fpm"}));
    CHECK(is_plain(site, {"docker-php-entrypoint", "ls", "php-fpm"}));
}

TEST_CASE("php-fpm -v and -t do what they do without sluice") {
    const FpmSite site;
    Sluice version({.command = {"php-fpm8.2", "-v"}, .mode = each_mode()});
    CHECK(version.exit_status() == 0);
    CHECK(contains(version.out(), "(fpm-fcgi)"));
    CHECK(status_of({.command = site.command({"-t"})}) == 0);
}

TEST_CASE("a shell form gets a warning that names the cure") {
    Sluice sluice({.command = {"sh", "-c", "php-fpm8.2 -v; true"}});
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.err(), "CMD [\"php-fpm\"]"));
}

TEST_CASE("a broken FPM configuration: nothing is started, FPM's message, status 78") {
    const FpmSite site("no_such_entry = 1");
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    CHECK(sluice.exit_status() == 78);
    CHECK(contains(sluice.err(), "no_such_entry"));
    CHECK_FALSE(contains(sluice.err(), "sluice info: sluice"));
    Sluice check({.command = site.command(), .options = {"check"}});
    CHECK(check.exit_status() != 0);
    CHECK(contains(check.err(), "no_such_entry"));
}

TEST_CASE("a configuration with log_level = error still gets the override") {
    const Mode mode = each_mode();
    const FpmSite site("log_level = error");
    check_is_fpm(site, {.command = site.command(), .mode = mode});
}

TEST_CASE("process.max leaves room for the workers that tell the status") {
    const FpmSite site("process.max = 3"); // as many as the pool has
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    CHECK(sluice.logs("php-fpm8.2 answers"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("-y may be relative, as may be what the file includes") {
    const FpmSite site("include = pool/*.conf");
    site.folder().write("pool/more.conf", "[more]\nuser = www-data\nlisten = 127.0.0.1:" +
                                              std::to_string(free_port()) +
                                              "\npm = static\npm.max_children = 1\n");
    const auto enter = [&] {
        if (::chdir(site.folder().path().c_str()) != 0) ::_exit(97);
    };
    check_is_fpm(site, {.command = {"php-fpm8.2", "-y", "php-fpm.conf", "-p", site.folder().path()},
                        .mode = each_mode(),
                        .before_exec = enter});
}

TEST_CASE("USR2 and HUP have FPM reload, and it keeps serving") {
    const Mode mode = each_mode();
    for (const int signal : {SIGUSR2, SIGHUP}) {
        CAPTURE(signal);
        const FpmSite site;
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(site.serves());
        REQUIRE(sluice.logs("php-fpm8.2 answers"));
        sluice.signal(signal);
        const auto log = site.folder().path("marks/fpm.log");
        CHECK(eventually(
            [&] { return occurrences(read_file(log), "ready to handle connections") == 2; }));
        CHECK(site.serves());
        auto request = site.in_flight(300ms);
        sluice.signal(SIGTERM);
        CHECK(site.is_whole(request.answer()));
        CHECK(sluice.exit_status() == 0);
    }
}

TEST_CASE("a stop in the middle of FPM's own reload ends with 0") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("php-fpm8.2 answers"));
    sluice.signal(SIGUSR2);
    REQUIRE(sluice.logs("reload"));
    CHECK(sluice.stop() == 0);
}

} // namespace tests
