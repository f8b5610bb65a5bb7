#include <doctest/doctest.h>

#include "fleet/choice.h"
#include "fleet/closing.h"
#include "fleet/reload_steps.h"

// Which containers are meant, and what sluice's own lines say.

namespace sluice::fleet {

namespace {

using Texts = std::vector<std::string>;

Listed listed(const std::string& name, std::map<std::string, std::string> labels = {}) {
    return {.id = "ab", .name = name, .labels = std::move(labels)};
}

Container started_with(Texts command) {
    return {
        .id = "ab", .name = "web", .command = std::move(command), .status = "running", .pid = 7};
}

} // namespace

TEST_CASE("Nothing given means everybody") {
    CHECK(Choice{}.empty());
    CHECK(matches({}, listed("web-1")));
}

TEST_CASE("Names are patterns, and one of them has to match") {
    const Choice choice{.names = {"web-*", "api-[ab]"}};
    CHECK(matches(choice, listed("web-1")));
    CHECK(matches(choice, listed("api-b")));
    CHECK_FALSE(matches(choice, listed("api-c")));
    CHECK_FALSE(matches(choice, listed("my-web-1")));
}

TEST_CASE("All labels and the project have to match") {
    CHECK(parse_label("a") == Choice::Label{"a", {}});
    CHECK(parse_label("a=b=c") == Choice::Label{"a", "b=c"});
    CHECK(parse_label("a=") == Choice::Label{"a", ""});
    CHECK_FALSE(parse_label("=b"));
    CHECK_FALSE(parse_label(""));
    const Choice choice{.labels = {{"tier", "web"}, {"blue", {}}}, .project = "shop"};
    const std::string project = "com.docker.compose.project";
    CHECK(matches(choice, listed("a", {{"tier", "web"}, {"blue", ""}, {project, "shop"}})));
    CHECK_FALSE(matches(choice, listed("a", {{"tier", "db"}, {"blue", ""}, {project, "shop"}})));
    CHECK_FALSE(matches(choice, listed("a", {{"tier", "web"}, {project, "shop"}})));
    CHECK_FALSE(matches(choice, listed("a", {{"tier", "web"}, {"blue", ""}, {project, "sho"}})));
    CHECK(in_words(choice) == "label tier=web, label blue, project shop");
}

TEST_CASE("Whose first process is sluice") {
    CHECK(started_with_sluice(started_with({"sluice", "php-fpm"})) == true);
    CHECK(started_with_sluice(started_with({"/usr/local/bin/sluice"})) == true);
    CHECK_FALSE(started_with_sluice(started_with({"/entrypoint.sh"})));
    CHECK_FALSE(started_with_sluice(started_with({"not-sluice"})));
    auto between_runs = started_with({"/entrypoint.sh"});
    between_runs.pid = 0;
    CHECK(started_with_sluice(between_runs) == false);
    const auto script = started_with({"/entrypoint.sh"});
    CHECK(runs_sluice(script, {{9, "php-fpm"}, {7, "sluice  php-fpm"}}));
    CHECK(runs_sluice(script, {{7, "/sluice"}}));
    CHECK_FALSE(runs_sluice(script, {{7, "sh /entrypoint.sh sluice"}, {9, "sluice"}}));
    CHECK_FALSE(runs_sluice(script, {{7, ""}}));
    CHECK_FALSE(runs_sluice(script, {}));
    CHECK(words_of_first(script, {{7, " sluice  php-fpm "}}) == Texts{"sluice", "php-fpm"});
}

TEST_CASE(
    "sluice is called by what it was started with, and by PID 1's file where that is sluice") {
    auto container = started_with({"/opt/sluice", "php-fpm"});
    CHECK(programs(container) == Texts{"/opt/sluice", "/proc/1/exe"});
    container.first_is_pid_1 = false;
    CHECK(programs(container) == Texts{"/opt/sluice"});
    auto script = started_with({"/entrypoint.sh"});
    CHECK(programs(script) == Texts{"/proc/1/exe"});
    script.first_is_pid_1 = false; // PID 1 may be the host's
    CHECK(programs(script) == Texts{"sluice"});
}

TEST_CASE("Which services have a control socket, and whose health check is sluice's own") {
    CHECK(runs_known_service({"sluice", "docker-php-entrypoint", "php-fpm8.2"}));
    CHECK(runs_known_service({"sluice", "/usr/sbin/nginx", "-g", "daemon off;"}));
    CHECK_FALSE(runs_known_service({"sluice", "node", "nginx.js"}));
    Container container;
    CHECK_FALSE(checks_by_sluice(container));
    container.health_check = {"CMD", "/usr/bin/sluice", "health"};
    CHECK(checks_by_sluice(container));
    container.health_check = {"CMD-SHELL", "sluice health"};
    CHECK(checks_by_sluice(container));
    container.health_check = {"CMD-SHELL", "sluice health && curl -f localhost"};
    CHECK_FALSE(checks_by_sluice(container));
}

TEST_CASE("The steps of a reload") {
    ReloadSteps steps;
    CHECK(steps.step() == "asking");
    steps.out("queued: all 4 slots are taken");
    CHECK(steps.step() == "queued");
    steps.out("queued: 1.2 s");
    CHECK(steps.step() == "preparing");
    steps.out("preparing: 265 ms, checked");
    CHECK(steps.step() == "starting");
    steps.out("what a newer sluice says: 3 ms");
    CHECK(steps.step() == "starting");
    steps.out("proving: 145 ms, generation 2 answers");
    CHECK(steps.step() == "warming");
    steps.out("warming: 0 ms, warmed up");
    CHECK(steps.step() == "switching");
    CHECK(steps.outcome().empty());
    steps.out("reload: done in 424 ms, generation 2 serves\x1b[2J");
    CHECK(steps.outcome() == "reload: done in 424 ms, generation 2 serves\\x1b[2J");
    CHECK_FALSE(steps.rolled_back());
    ReloadSteps failed;
    failed.out("waiting: begins when the generation before has gone");
    CHECK(failed.step() == "waiting");
    failed.err("reload: rolled back after 0.2 s: it is broken");
    CHECK(failed.rolled_back());
    CHECK(failed.outcome().starts_with("reload: rolled back"));
}

TEST_CASE("What a stop cost, from the last line of a log") {
    const std::string text =
        "2026-11-23T23:00:00.000Z sluice info: stopped in 9 ms: finished, 9 "
        "finished, 7 requests cut\n"
        "2026-11-23T23:17:00.123Z sluice warning: stopped in 9.5 s: cut at the "
        "deadline, 3 finished, 2 requests cut, 1 connection lost in the queue, "
        "about 4 refused; php-fpm exited with status 0; sluice exits with 0\n"
        "[23-Nov-2026] NOTICE: stopped in 1 ms: 5 requests cut\n";
    CHECK(find_closing(text) == Closing{.cut = 2, .lost = 1});
    CHECK(find_closing("2026-11-23T23:17:00.123Z sluice info: stopped in 9 ms: finished, 1 request "
                       "cut\r\n") == Closing{.cut = 1});
    CHECK(find_closing("T sluice warning: stopped in 9 s: cut, about 12 connections cut") ==
          Closing{.cut = 12});
    CHECK(find_closing("T sluice info: stopped in 9 ms: finished; sluice exits with 0") ==
          Closing{});
    CHECK_FALSE(find_closing("T sluice info: stopped before php-fpm was started"));
    CHECK_FALSE(find_closing("a user's sluice info: line, stopped in 9 ms: 3 requests cut"));
    CHECK_FALSE(find_closing(""));
    CHECK_FALSE(find_closing("\n\n"));
}

TEST_CASE("The same in a log of JSON") {
    const std::string line =
        R"({"@timestamp":"2026-11-23T23:17:00Z","level":"warning","message":"stopped in","event":"stopped","took_ms":9,"cut":2,"lost":3})";
    CHECK(find_closing("noise\n" + line + "\nmore") == Closing{.cut = 2, .lost = 3});
    CHECK(find_closing(R"({"event":"stopped","took_ms":9,"cut":-1})") == Closing{});
    CHECK_FALSE(find_closing(R"({"event":"stopped","message":"before it was started"})"));
    CHECK_FALSE(find_closing(R"({"message":"\"stopped\""})"));
    CHECK_FALSE(find_closing(R"({"event":"stopped","took_ms)"));
    CHECK_FALSE(find_closing(R"({"event":["stopped"],"took_ms":1})"));
}

} // namespace sluice::fleet
