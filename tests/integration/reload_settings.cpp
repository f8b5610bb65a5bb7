#include <doctest/doctest.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>

#include "await.h"
#include "child_process.h"
#include "isolation.h"
#include "nginx_site.h"
#include "processes.h"
#include "served_site.h"

// A changed sluice.toml, and reload.strategy.

namespace tests {

TEST_CASE("drain.deadline of the new file counts after the switch, not before") {
    bool switched = false;
    SUBCASE("after a reload") {
        switched = true;
    }
    SUBCASE("without one") {
        switched = false;
    }
    const ServedSite site({},
                          "[drain]\ndeadline = \"800ms\"\nkill_after = \"10s\"\nqueue = \"0s\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.configure("[drain]\ndeadline = \"15s\"\nkill_after = \"10s\"\nqueue = \"0s\"\n");
    if (switched) CHECK(site.reload() == 0);
    auto request = site.in_flight(2s);
    CHECK(sluice.stop() == 0);
    CHECK(site.is_whole(request.answer()) == switched);
}

TEST_CASE("log.level and the signals of the new file count after the switch, not before") {
    const ServedSite site({}, "[signals]\nUSR1 = \"ignore\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.configure("[signals]\nUSR1 = \"reload\"\nHUP = \"ignore\"\n[log]\nlevel = \"debug\"\n");
    sluice.signal(SIGUSR1); // ignored
    sluice.signal(SIGHUP);
    REQUIRE(sluice.logs("reload: done in"));
    CHECK(has_part(sluice.err(), "asked for by signal HUP"));
    CHECK_FALSE(has_part(sluice.err(), "signal USR1"));
    REQUIRE(sluice.logs("generation 1 retired in"));
    sluice.signal(SIGHUP); // ignored
    REQUIRE(sluice.logs("debug: signal HUP"));
    sluice.signal(SIGUSR1);
    CHECK(sluice.logs("asked for by signal USR1"));
    CHECK(sluice.logs("generation 3 serves"));
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 4"));
}

TEST_CASE("a level above info: from the switch on there are no lines any more") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.configure("[log]\nlevel = \"error\"\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("reload: checked"));
    CHECK(site.reload() == 0);
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 3"));
}

TEST_CASE("a configuration file that is gone is not all defaults") {
    if (::geteuid() != 0) {
        MESSAGE("not root: /etc cannot be replaced");
        return;
    }
    const ServedSite site({}, "reload.retire = \"300ms\"\n");
    auto launch = site.launch();
    launch.options.clear();
    launch.before_exec = [&] {
        usual_config_is(site.folder().path("sluice.toml"), site.folder().path());
    };
    Sluice sluice(launch);
    REQUIRE(sluice.logs("answers after"));
    CHECK(site.reload() == 0);
    REQUIRE(sluice.logs("generation 1 retired in"));
    std::filesystem::rename(site.folder().path("sluice.toml"), site.folder().path("away.toml"));
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status == 1);
    CHECK(has_part(reply.err, "/etc/sluice.toml: it was there before, and is gone"));
    CHECK(site.answer("index.php") == "pong");
    std::filesystem::rename(site.folder().path("away.toml"), site.folder().path("sluice.toml"));
    CHECK(site.reload() == 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("reload.*: the next generation's own are in force for it, the rest after the switch") {
    const ServedSite site({}, "reload.splay = \"1ms\"\n");
    Sluice sluice(site.launch());
    INFO(sluice.err());
    REQUIRE(site.serves());
    site.configure("[reload]\nretire = \"400ms\"\n"
                   "[[reload.check]]\ncommand = [\"touch\", \"@folder@/checked\"]\n"
                   "[[reload.warmup]]\nscript = \"@folder@/app/index.php\"\ntext = \"pong\"\n");
    CHECK(site.reload() == 0);
    CHECK(site.folder().has("checked"));
    CHECK(sluice.logs("generation 1 retired in"));
    auto request = site.in_flight(100s);
    CHECK(site.reload() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(sluice.logs("within 400 ms (reload.retire)"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("what a check leaves in its process group ends with it") {
    const ServedSite site({}, "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"sleep 1000 & echo $! "
                              "> @folder@/left\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(site.reload() == 0);
    const auto left = std::stoi(read_file(site.folder().path("left")));
    CHECK(eventually([&] { return !state_of(left); }));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("keys that cannot change are named and keep their value") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.folder().write("sluice.toml", "[control]\nsocket = \"" +
                                           site.folder().path("another.sock") +
                                           "\"\n[log]\nformat = \"json\"\n[service]\nkind = "
                                           "\"plain\"\ncommand = [\"sleep\", \"1\"]\n");
    CHECK(site.reload() == 0);
    for (const std::string key :
         {"service.command", "service.kind", "control.socket", "log.format"}) {
        CAPTURE(key);
        CHECK(has_part(sluice.err(), "reload: " + key + " cannot change while sluice runs"));
    }
    CHECK(site.ask({"status"}).status == 0);
    CHECK_FALSE(site.folder().has("another.sock"));
    CHECK(site.reload() == 0);
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "{\""));
}

TEST_CASE("a variable of the environment still wins over the changed file") {
    const ServedSite site;
    auto launch = site.launch();
    launch.environment = {{"SLUICE_RELOAD_RETIRE", "300ms"}};
    Sluice sluice(launch);
    REQUIRE(site.serves());
    site.configure("reload.retire = \"50s\"\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("retired in"));
    auto request = site.in_flight(100s);
    CHECK(site.reload() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(sluice.logs("within 300 ms (reload.retire)"));
    CHECK(sluice.stop() == 0);
}

// --- strategies ----------------------------------------------------------------------------------

TEST_CASE("strategy shared: both generations have the same listeners, nothing is lost") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path}, "reload.strategy = \"shared\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto old_master = site.master();
    auto request = site.in_flight(1s);
    CHECK(site.reload() == 0);
    for (int i = 0; i < 20; ++i) CHECK(site.master() != 0); // one of the two
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    CHECK(eventually([&] { return !exists(old_master); }));
    CHECK(site.master() != 0);
    const Place second(free_port());
    const auto port = second.text().substr(second.text().find(' ') + 1);
    const auto lines = pool_on("second", "127.0.0.1:" + port);
    site.append(lines);
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 2 retired in"));
    CHECK(site.master(second) == site.master());
    site.change(lines, "");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 3 retired in"));
    CHECK(second.refusal() == ECONNREFUSED);
    CHECK(site.master() != 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("strategy shared: a warm-up is said to be left out") {
    const ServedSite site({}, "[reload]\nstrategy = \"shared\"\n[[reload.warmup]]\n"
                              "script = \"@folder@/app/index.php\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("no warm-up"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("strategy signal: FPM's own reload, by signal and by the client") {
    const ServedSite site({.pool = without_timestamps()}, "reload.strategy = \"signal\"\n");
    site.folder().write("app/code.php", "<?php echo 'old';\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto master = sluice.service();
    REQUIRE(site.answer("code.php") == "old");
    site.folder().write("app/code.php", "<?php echo 'new';\n");
    REQUIRE(site.answer("code.php") == "old");
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status == 0);
    CHECK(has_part(reply.out + reply.err, "USR2"));
    CHECK(sluice.logs("signal USR2 to php-fpm8.2, which reloads by itself"));
    CHECK(eventually([&] { return site.answer("code.php") == "new"; }));
    CHECK(sluice.service() == master);
    sluice.signal(SIGHUP);
    CHECK(sluice.logs("signal USR2 to php-fpm8.2, which reloads by itself", 2));
    CHECK(site.serves());
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a strategy that changes at a reload") {
    const ServedSite site({}, "reload.strategy = \"shared\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.configure("reload.strategy = \"switch\"\n");
    auto request = site.in_flight(600ms);
    CHECK(site.reload() == 0);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    site.configure("reload.strategy = \"shared\"\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 2 retired in"));
    site.configure("reload.strategy = \"signal\"\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("\"signal\" counts from the next reload on"));
    CHECK(sluice.logs("generation 3 retired in"));
    const auto master = site.master();
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("signal USR2 to php-fpm8.2"));
    CHECK(site.serves());
    CHECK(eventually([&] { return site.master() == master; }));
    site.configure("reload.strategy = \"switch\"\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 4 retired in"));
    CHECK(site.master() != master);
    CHECK(sluice.stop() == 0);
}

// --- other services ------------------------------------------------------------------------------

namespace {

std::unique_ptr<ChildProcess> client_at(const std::string& socket, std::vector<std::string> words) {
    words.insert(words.begin(), sluice_program());
    words.insert(words.end(), {"--socket", socket});
    return std::make_unique<ChildProcess>(ChildProcess::Start{words, {}, {}});
}

} // namespace

TEST_CASE("nginx reloads by its own signal, for the client, too") {
    const NginxSite site;
    const auto socket = site.folder().path("control.sock");
    Sluice sluice({.command = site.command(), .config = "control.socket = \"" + socket + "\"\n"});
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("nginx handles signals"));
    const auto client = [&](const std::vector<std::string>& words) {
        return client_at(socket, words)->wait();
    };
    site.configure({}, "other");
    CHECK(client({"reload"}) == 0);
    CHECK(site.serves("other"));
    site.configure({}, "third");
    CHECK(client({"reload", "--wait"}) == 0);
    CHECK(site.serves("third"));
    site.configure({}, "fourth");
    sluice.signal(SIGHUP);
    CHECK(site.serves("fourth"));
    CHECK(sluice.logs("signal HUP to nginx", 2));
    CHECK(client({"stop"}) == 0);
    CHECK(sluice.exit_status() == 0);
}

TEST_CASE("nginx that is starting: the client is told when the signal was sent") {
    const NginxSite site;
    const auto socket = site.folder().path("control.sock");
    site.folder().write("bin/start.sh",
                        "#!/bin/sh\nwhile [ ! -e " + site.folder().path("go") +
                            " ]; do sleep 0.02; done\nexec \"$@\"\n",
                        0755);
    auto command = site.command({"-g", "daemon off;"});
    command.insert(command.begin(), site.folder().path("bin/start.sh"));
    Sluice sluice({.command = command, .config = "control.socket = \"" + socket + "\"\n"});
    REQUIRE(eventually([&] { return site.folder().has("control.sock"); }));
    const auto waiting = client_at(socket, {"reload", "--wait"});
    REQUIRE(sluice.logs("reload: waits until nginx is up"));
    site.folder().write("go", "");
    CHECK(waiting->wait() == 0);
    CHECK(has_part(waiting->out(), "signal HUP to nginx"));
    const auto status = client_at(socket, {"status"});
    CHECK(status->wait() == 0);
    CHECK_FALSE(has_part(status->out(), "another reload waits"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a plain service cannot reload, and the client is told so") {
    const TempFolder folder;
    const auto socket = folder.path("control.sock");
    Sluice sluice({.command = role("record"), .config = "control.socket = \"" + socket + "\"\n"});
    REQUIRE(sluice.says("ready"));
    for (const bool wait : {false, true}) {
        std::vector<std::string> words{"reload"};
        if (wait) words.emplace_back("--wait");
        const auto client = client_at(socket, words);
        const auto status = client->wait();
        CHECK(status.has_value());
        CHECK(status != 0);
        CHECK(has_part(client->out() + client->err(), "reload refused"));
    }
    CHECK(sluice.logs("sluice knows no way for it to reload", 2));
    sluice.signal(SIGHUP); // forwarded, as everything is
    CHECK(sluice.says("signal 1 "));
    CHECK(sluice.stop() == 0);
}

} // namespace tests
