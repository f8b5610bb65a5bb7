#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include "fpm_site.h"
#include "processes.h"

// What is being executed when the stop comes, and what waits behind it.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// Scripts that make their mark and then do what a signal, or a master that stands still, would
// spoil.
constexpr const char* make_mark = "<?php\ntouch(__DIR__ . '/../marks/' . $_GET['mark']);\n";

std::vector<FastcgiRequest> many(const FpmSite& site, int count) {
    std::vector<FastcgiRequest> requests;
    for (int i = 0; i < count; ++i) {
        requests.emplace_back(site.place(), site.folder().path("app/slow.php"), "mark=any&ms=30");
        REQUIRE(requests.back().sent());
    }
    return requests;
}

} // namespace

TEST_CASE("a drain: sleep() keeps its time, a new client is refused, the log says what is left") {
    const FpmSite site(FpmLines{.more = "[path]\nuser = www-data\ngroup = www-data\n"
                                        "listen = @folder@/marks/path.sock\n"
                                        "pm = static\npm.max_children = 1\n"});
    const Place path(site.folder().path("marks/path.sock"));
    const auto script =
        site.folder().write("app/sleep.php", std::string(make_mark) + "echo sleep(3);\n");
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    FastcgiRequest by_port(site.place(), script, "mark=port&password=hunter2");
    FastcgiRequest by_path(path, script, "mark=path&password=hunter2");
    REQUIRE(eventually(
        [&] { return site.folder().has("marks/port") && site.folder().has("marks/path"); }));
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping"));
    CHECK(eventually([&] { return site.place().refusal() == ECONNREFUSED; }, 1s));
    CHECK(eventually([&] { return path.refusal() == ENOENT; }, 1s));
    CHECK_FALSE(sluice.has_ended());
    CHECK(by_port.answer() == "0");
    CHECK(by_path.answer() == "0");
    CHECK(sluice.exit_status() == 0);
    const auto log = sluice.err();
    INFO(log);
    CHECK(occurrences(log, ": 2 requests in flight: pool ") >= 2);
    for (const std::string pool : {"www", "path"}) {
        CHECK(occurrences(log, "pool " + pool + ", worker pid ") >= 2);
    }
    CHECK(occurrences(log, ", script " + script + ", ") >= 4);
    CHECK_FALSE(contains(log, "hunter2"));
    CHECK(contains(sluice.last_log_line(), "0 requests cut"));
}

TEST_CASE("a worker that logs 10 MB during a drain is not held up") {
    const FpmSite site(FpmLines{.pool = "catch_workers_output = yes\n"});
    site.folder().write("app/logs.php", std::string(make_mark) +
                                            "while (!file_exists(__DIR__ . '/../marks/go')) {\n"
                                            "    clearstatcache();\n    usleep(2_000);\n}\n"
                                            "$log = fopen('php://stderr', 'w');\n"
                                            "for ($line = 0; $line < 10_240; ++$line) {\n"
                                            "    fwrite($log, str_repeat('x', 1_023) . \"\\n\");\n"
                                            "}\necho 'logged';\n");
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    auto request = site.executing("logs.php");
    sluice.signal(SIGTERM);
    REQUIRE(sluice.logs("stopping"));
    site.folder().write("marks/go", "");
    CHECK(request.answer() == "logged");
    CHECK(sluice.exit_status() == 0);
    CHECK(std::filesystem::file_size(site.folder().path("marks/fpm.log")) > 10'000'000);
}

TEST_CASE("request_terminate_timeout holds during a drain") {
    const FpmSite site(FpmLines{.pool = "request_terminate_timeout = 1s\n"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(contains(read_file(site.folder().path("marks/fpm.log")), "execution timed out"));
    CHECK_FALSE(contains(sluice.err(), "deadline: "));
}

TEST_CASE("a queue fuller than the workers is answered, whatever forks them") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    for (const std::string pm : {"ondemand", "dynamic"}) {
        CAPTURE(pm);
        const FpmSite site(FpmLines{
            .pool = "pm = " + pm +
                    "\npm.max_children = 2\npm.start_servers = 1\npm.min_spare_servers = 1\n"
                    "pm.max_spare_servers = 1\npm.process_idle_timeout = 1s\n",
            .by_path = by_path});
        Sluice sluice({.command = site.command(), .mode = mode});
        REQUIRE(site.serves());
        auto requests = many(site, 20);
        sluice.signal(SIGTERM);
        for (auto& request : requests) CHECK(FpmSite::is_whole(request.answer()));
        CHECK(sluice.exit_status() == 0);
    }
}

TEST_CASE("ondemand: connections that nobody has been forked for are answered at the stop") {
    const Mode mode = each_mode();
    const FpmSite site(
        FpmLines{.pool = "pm = ondemand\npm.max_children = 2\n", .by_path = each_transport()});
    Sluice sluice({.command = site.command(), .mode = mode});
    REQUIRE(sluice.logs("answers after"));
    auto requests = many(site, 3);
    sluice.signal(SIGTERM);
    for (auto& request : requests) CHECK(FpmSite::is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("work after fastcgi_finish_request() is finished") {
    const FpmSite site;
    site.folder().write("app/finish.php",
                        "<?php\necho 'early';\nfastcgi_finish_request();\n"
                        "touch(__DIR__ . '/../marks/' . $_GET['mark']);\n"
                        "$end = hrtime(true) + 700_000_000;\n"
                        "while (hrtime(true) < $end) usleep(5_000);\n"
                        "file_put_contents(__DIR__ . '/../marks/done', 'all of it');\n");
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    const auto app = site.folder().path("app/finish.php");
    CHECK(FastcgiRequest(site.place(), app, "mark=going-on").answer() == "early");
    REQUIRE(eventually([&] { return site.folder().has("marks/going-on"); }));
    CHECK_FALSE(site.folder().has("marks/done"));
    CHECK(sluice.stop() == 0);
    CHECK(read_file(site.folder().path("marks/done")) == "all of it");
}

TEST_CASE("at the deadline: the request is named, what waits behind it is counted as lost") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.pool = "pm.max_children = 1\n", .by_path = each_transport()});
    Sluice sluice({.command = site.command(),
                   .mode = mode,
                   .config = "[drain]\ndeadline = \"300ms\"\nkill_after = \"2s\"\n"});
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    auto waiting = many(site, 3);
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(occurrences(sluice.err(), "cut: pool www") == 1);
    CHECK(occurrences(sluice.err(), "script " + site.folder().path("app/slow.php")) == 1);
    CHECK(contains(sluice.last_log_line(), "1 request cut"));
    CHECK(contains(sluice.last_log_line(), "3 connections lost in the queue"));
}

} // namespace tests
