#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "json.h"
#include "processes.h"
#include "served_site.h"

// The control socket of a running sluice.

namespace tests {

namespace {

const std::string gate_toml =
    "[[reload.warmup]]\nscript = \"@folder@/app/gate.php\"\ntimeout = \"1m\"\n";

// A warm-up that lasts until "marks/go" is there.
void write_gate(const ServedSite& site) {
    site.folder().write("app/gate.php",
                        "<?php while (!file_exists(__DIR__ . '/../marks/go')) { usleep(5000); "
                        "clearstatcache(); }\n");
}

std::map<std::string, std::string> status_of(const ServedSite& site) {
    const auto reply = site.ask({"status", "--json"});
    CHECK(reply.status == 0);
    const auto object =
        parse_object(lines_of(reply.out).empty() ? "" : lines_of(reply.out).front());
    CHECK_MESSAGE(object.has_value(), reply.out);
    return object.value_or(std::map<std::string, std::string>{});
}

std::unique_ptr<ChildProcess> client(const ServedSite& site, std::vector<std::string> words) {
    words.insert(words.begin(), sluice_program());
    words.insert(words.end(), {"--socket", site.socket()});
    return std::make_unique<ChildProcess>(ChildProcess::Start{words, {}, {}});
}

} // namespace

TEST_CASE("status and health through the whole life") {
    const ServedSite site({}, gate_toml);
    write_gate(site);
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("answers after"));
    const auto first = std::to_string(sluice.service());

    CHECK(status_of(site)["state"] == "running");
    CHECK(site.ask({"health"}).status == 0);
    auto text = site.status();
    CHECK(has_part(text, "php-fpm8.2 (php-fpm): running"));
    CHECK(has_part(text, "generation 1, live: pid " + first));
    CHECK(has_part(text, "workers: 3, 0 busy"));
    CHECK(has_part(text, "pool www on 127.0.0.1:" + std::to_string(site.port()) +
                             ": 3 idle, 0 busy of at most 3; queue 0"));
    CHECK_FALSE(has_part(text, "last reload"));

    auto request = site.in_flight(100s);
    CHECK(has_part(site.status(), "in flight: 1\n        GET /test.php"));
    auto waiting = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("generation 2 answers"));
    CHECK(status_of(site)["state"] == "reloading");
    CHECK(site.ask({"health"}).status == 0);
    text = site.status();
    CHECK(has_part(text, "php-fpm8.2 (php-fpm): reloading"));
    CHECK(has_part(text, "generation 1, live: pid " + first));
    CHECK(has_part(text, "generation 2, next: pid "));
    CHECK(has_part(text, "reload runs for "));
    CHECK_FALSE(waiting->has_ended());

    site.folder().write("marks/go", "");
    CHECK(waiting->wait() == 0);
    CHECK(has_part(waiting->out(), "proving"));
    CHECK(has_part(waiting->out(), "generation 2 serves"));
    text = site.status();
    CHECK(has_part(text, "php-fpm8.2 (php-fpm): running"));
    CHECK(has_part(text, "generation 2, live: pid " + std::to_string(site.master())));
    CHECK(has_part(text, "generation 1, retiring: pid " + first));
    CHECK(has_part(text, "in flight: 1\n        GET /test.php"));
    CHECK(has_part(text, "last reload done in"));
    CHECK(site.ask({"health"}).status == 0);

    CHECK(site.ask({"stop"}).status == 0);
    REQUIRE(sluice.logs("stopping php-fpm8.2"));
    CHECK(status_of(site)["state"] == "draining");
    const auto health = site.ask({"health"});
    CHECK(health.status == 1);
    CHECK(has_part(health.out + health.err, "draining"));
    const auto refused = site.ask({"reload", "--wait"});
    CHECK(refused.status != 0);
    CHECK(has_part(refused.out + refused.err, "stopping"));
    CHECK(site.ask({"reload"}).status != 0);
    CHECK(site.ask({"stop", "--now"}).status == 0);
    CHECK(sluice.exit_status() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK_FALSE(site.folder().has("control.sock"));
}

TEST_CASE("health while an entrypoint script keeps FPM from starting") {
    const ServedSite site;
    site.folder().write("bin/docker-php-entrypoint",
                        site.fill_in("#!/bin/sh\nwhile [ ! -e @folder@/marks/go ]; do sleep 0.02; "
                                     "done\nexec \"$@\"\n"),
                        0755);
    auto launch = site.launch();
    launch.command.insert(launch.command.begin(), "docker-php-entrypoint");
    launch.environment = site.search_path();
    Sluice sluice(launch);
    REQUIRE(eventually([&] { return site.folder().has("control.sock"); }));
    const auto health = site.ask({"health"});
    CHECK(health.status == 1);
    CHECK(has_part(health.out + health.err, "starting"));
    CHECK(status_of(site)["state"] == "starting");
    auto waiting = client(site, {"reload", "--wait"}); // begins when it is up
    REQUIRE(sluice.logs("reload: waits until"));
    CHECK(has_part(site.status(), "another reload waits"));
    site.folder().write("marks/go", "");
    CHECK(waiting->wait() == 0);
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(site.ask({"health"}).status == 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a reload --wait during a reload waits for the one that follows") {
    const ServedSite site({}, gate_toml);
    write_gate(site);
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("answers after"));
    auto first = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("generation 2 answers"));
    auto second = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("another follows it"));
    auto third = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("another follows it", 2));
    CHECK(has_part(site.status(), "another reload waits"));
    site.folder().write("marks/go", "");
    CHECK(first->wait() == 0);
    CHECK(second->wait() == 0);
    CHECK(third->wait() == 0);
    CHECK(has_part(first->out(), "generation 2 serves"));
    CHECK(has_part(second->out(), "generation 3 serves"));
    CHECK(has_part(third->out(), "generation 3 serves"));
    CHECK_FALSE(has_part(second->out(), "generation 2 serves"));
    CHECK_FALSE(has_part(site.status(), "another reload waits"));
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 4"));
}

TEST_CASE("those who wait for a reload lock nobody out, and are bounded themselves") {
    const ServedSite site({}, gate_toml);
    write_gate(site);
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("answers after"));
    std::vector<std::unique_ptr<ChildProcess>> waiting;
    waiting.push_back(client(site, {"reload", "--wait"}));
    REQUIRE(sluice.logs("generation 2 answers"));
    for (int more = 1; more < 32; ++more) {
        waiting.push_back(client(site, {"reload", "--wait"}));
        REQUIRE(sluice.logs("another follows it", more));
    }
    CHECK(site.ask({"health"}).status == 0);
    CHECK(has_part(site.status(), "another reload waits"));
    const auto refused = site.ask({"reload", "--wait"});
    CHECK(refused.status == 1);
    CHECK(has_part(refused.err, "32 clients wait for one already"));
    site.folder().write("marks/go", "");
    for (const auto& one : waiting) CHECK(one->wait() == 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("clients of a reload that a stop interrupts are told") {
    const ServedSite site({}, gate_toml);
    write_gate(site);
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("answers after"));
    auto first = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("generation 2 answers"));
    auto second = client(site, {"reload", "--wait"});
    REQUIRE(sluice.logs("another follows it"));
    CHECK(sluice.stop() == 0);
    for (const auto& one : {first.get(), second.get()}) {
        const auto status = one->wait();
        CHECK(status.has_value());
        CHECK(status != 0);
        CHECK_FALSE((one->out() + one->err()).empty());
    }
}

TEST_CASE("a rollback: the client's status and reason, the last lines in the status") {
    const ServedSite site({}, "[[reload.warmup]]\nscript = \"@folder@/app/missing.php\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status == 1);
    CHECK(has_part(reply.out + reply.err, "missing.php"));
    const auto text = site.status();
    CHECK(has_part(text, "last reload ROLLED BACK after"));
    CHECK(has_part(text, "missing.php"));
    CHECK(has_part(text, "generation 1, live"));
    CHECK(has_part(status_of(site)["last_reload"], "rolled"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("stop ends as TERM does, stop --now at once") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    SUBCASE("stop") {
        auto request = site.in_flight(500ms);
        CHECK(site.ask({"stop"}).status == 0);
        CHECK(site.is_whole(request.answer()));
        CHECK(sluice.exit_status() == 0);
        CHECK(has_part(sluice.last_log_line(), "finished"));
    }
    SUBCASE("stop --now") {
        auto request = site.in_flight(100s);
        CHECK(site.ask({"stop", "--now"}).status == 0);
        CHECK(sluice.exit_status() == 0);
        CHECK_FALSE(request.answer().has_value());
        CHECK(has_part(sluice.last_log_line(), "1 request cut"));
    }
    CHECK_FALSE(site.folder().has("control.sock"));
}

TEST_CASE("the socket is its owner's alone, and one that is left behind is replaced") {
    const ServedSite site;
    {
        Sluice sluice(site.launch());
        REQUIRE(site.serves());

        struct stat status {};

        REQUIRE(::stat(site.socket().c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        const pid_t service = sluice.service();
        sluice.signal(SIGKILL);
        CHECK(sluice.exit_status() == 1'000 + SIGKILL);
        CHECK(site.folder().has("control.sock"));
        const auto workers = children_of(service);
        ::kill(service, SIGKILL);
        for (const pid_t worker : workers) ::kill(worker, SIGKILL);
        REQUIRE(eventually([&] { return site.place().refusal() != 0; }));
    }
    CHECK(site.ask({"status"}).status == 125);
    Sluice second(site.launch());
    REQUIRE(second.logs("answers after"));
    CHECK(site.ask({"health"}).status == 0);
    CHECK(second.stop() == 0);
    CHECK_FALSE(site.folder().has("control.sock"));
}

TEST_CASE("the usual place: /run where it can be written, else an abstract name") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a mount namespace needs root");
        return;
    }
    std::string options;
    bool plain = false;
    SUBCASE("writable") {
        options = "";
    }
    SUBCASE("read-only") {
        options = "-o ro";
    }
    SUBCASE("a plain service has none") {
        plain = true;
    }
    const FpmSite site;
    Sluice sluice({.command = plain ? role("record") : site.command(),
                   .mode = Mode::pid_1,
                   .under = {"unshare", "-m", "sh", "-c",
                             "mount -t tmpfs " + options + " none /run && exec \"$@\"", "sh"}});
    if (plain) {
        REQUIRE(sluice.says("ready"));
    } else {
        REQUIRE(site.serves());
    }
    const auto inside = [&](std::vector<std::string> words) {
        std::vector<std::string> command{"nsenter", "-t", std::to_string(sluice.pid()), "-p", "-m"};
        command.insert(command.end(), words.begin(), words.end());
        ChildProcess process({command, {}, {}});
        return process.wait();
    };
    const bool has_path = options.empty() && !plain;
    CHECK((inside({"test", "-S", "/run/sluice.sock"}) == 0) == has_path);
    CHECK((inside({sluice_program(), "health"}) == 0) == !plain);
    CHECK((inside({sluice_program(), "status"}) == 0) == !plain);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a plain service with a socket: status, health, stop") {
    const TempFolder folder;
    const auto socket = folder.path("control.sock");
    Sluice sluice({.command = role("record"), .config = "control.socket = \"" + socket + "\"\n"});
    REQUIRE(sluice.says("ready"));
    const auto ask = [&](const std::string& verb) {
        return ChildProcess({{sluice_program(), verb, "--socket", socket}, {}, {}}).wait();
    };
    CHECK(ask("status") == 0);
    CHECK(ask("health") == 0);
    CHECK(ask("stop") == 0);
    CHECK(sluice.exit_status() == 0);
    CHECK_FALSE(folder.has("control.sock"));
}

TEST_CASE("off: no socket, and the client says so") {
    const FpmSite site;
    Sluice sluice({.command = site.command(), .config = "control.socket = \"off\"\n"});
    REQUIRE(site.serves());
    ChildProcess ss({{"ss", "-Hxlp"}, {}, {}});
    ss.wait();
    for (const auto& line : lines_of(ss.out())) {
        if (!has_part(line, "pid=" + std::to_string(sluice.pid()) + ",")) continue;
        CHECK_FALSE(has_part(line, "sluice.sock"));
        CHECK_FALSE(has_part(line, "@sluice-"));
    }
    CHECK(sluice.stop() == 0);
}

} // namespace tests
