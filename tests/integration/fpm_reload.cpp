#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>

#include "isolation.h"
#include "processes.h"
#include "served_site.h"

// A reload that succeeds.

namespace tests {

namespace {

void publish(const ServedSite& site, const std::string& code) {
    site.folder().write("app/code.php", "<?php echo '" + code + "';\n");
}

} // namespace

TEST_CASE("new code after the switch, and what was in flight finishes on the old generation") {
    const Mode mode = each_mode();
    const bool by_path = each_transport();
    const ServedSite site({.pool = without_timestamps(), .by_path = by_path});
    publish(site, "old code");
    Sluice sluice(site.launch(mode));
    REQUIRE(site.serves());
    REQUIRE(site.answer("code.php") == "old code");
    publish(site, "new code");
    auto request = site.in_flight(1'500ms);
    REQUIRE(site.answer("code.php") == "old code"); // else the rest proves nothing
    const pid_t old_master = sluice.service();
    sluice.signal(SIGHUP);
    REQUIRE(sluice.logs("reload: done in"));
    CHECK(site.answer("code.php") == "new code");
    CHECK(exists(old_master));
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    CHECK(eventually([&] { return !exists(old_master); }));
    CHECK(site.answer("code.php") == "new code");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("who waits in the queue at the switch is answered by the old generation") {
    const bool by_path = each_transport();
    const ServedSite site({.pool = "pm.max_children = 1\n", .by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto old_master = site.master();
    auto request = site.in_flight(1s);
    std::vector<FastcgiRequest> queued;
    for (int i = 0; i < 5; ++i) {
        queued.emplace_back(site.place(), site.folder().path("app/who.php"));
        REQUIRE(queued.back().sent());
    }
    CHECK(site.reload() == 0);
    const auto new_master = site.master(); // at once, while the old one is busy
    CHECK(new_master != old_master);
    CHECK(exists(old_master));
    // In this order: FPM's worker is free again when its client has closed the connection.
    CHECK(site.is_whole(request.answer()));
    for (auto& one : queued) CHECK(one.answer().value_or("lost") == std::to_string(old_master));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("every signal of a reload, and the client: each step has a line of its own") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    int generation = 2;
    for (const int signal : {SIGHUP, SIGUSR2, 0}) {
        CAPTURE(signal);
        const auto number = std::to_string(generation);
        if (signal != 0) {
            sluice.signal(signal);
        } else {
            CHECK(site.ask({"reload"}).status == 0);
        }
        const std::string by = signal == 0        ? "sluice reload"
                               : signal == SIGHUP ? "signal HUP from pid"
                                                  : "signal USR2 from pid";
        CHECK(sluice.logs("reload: asked for by " + by));
        CHECK(sluice.logs("generation " + number + " begins"));
        CHECK(sluice.logs("reload: checked after", generation - 1));
        CHECK(sluice.logs("started, pid ", generation - 1));
        CHECK(sluice.logs("reload: generation " + number + " answers after"));
        CHECK(sluice.logs("reload: warmed up with 0 requests after", generation - 1));
        CHECK(sluice.logs("generation " + number + " serves"));
        CHECK(sluice.logs("generation " + std::to_string(generation - 1) + " retired in"));
        CHECK(has_part(site.status(),
                       "generation " + number + ", live: pid " + std::to_string(site.master())));
        ++generation;
    }
    CHECK(sluice.stop() == 0);
}

TEST_CASE("many reloads leave nothing behind") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(site.reload() == 0); // with what is opened once
    REQUIRE(sluice.logs("retired in"));
    const auto at_rest = [&](std::size_t files) {
        return eventually([&] {
            return open_files_of(sluice.pid()) <= files &&
                   descendants_of(sluice.pid()).size() == 4 && zombies_below(sluice.pid()) == 0;
        });
    };
    REQUIRE(eventually([&] { return descendants_of(sluice.pid()).size() == 4; }));
    const auto files = open_files_of(sluice.pid());
    const auto files_of_fpm = open_files_of(site.master());
    for (int reload = 0; reload < 20; ++reload) CHECK(site.reload() == 0);
    CHECK(sluice.logs("retired in", 21));
    CHECK(at_rest(files));
    CHECK(open_files_of(site.master()) == files_of_fpm);
    CHECK(has_part(site.status(), "generation 22, live"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("many that are asked for at once run as two") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    auto request = site.in_flight(1'500ms);
    sluice.signal(SIGHUP);
    REQUIRE(sluice.logs("generation 2 begins"));
    for (int i = 0; i < 5; ++i) {
        CHECK(site.ask({"reload"}).status == 0);
        sluice.signal(SIGUSR2);
    }
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 3 serves"));
    CHECK(sluice.logs("generation 2 retired in"));
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 4"));
}

TEST_CASE("a kept connection that waits is let go, one that is used goes on until its answer") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto old_master = std::to_string(site.master());
    KeptConnection idle(site.place());
    REQUIRE(idle.ask(site.folder().path("app/who.php")));
    REQUIRE(idle.answer() == old_master);
    KeptConnection busy(site.place());
    REQUIRE(busy.ask(site.folder().path("app/slow.php"), "mark=busy&ms=1000"));
    REQUIRE(eventually([&] { return site.folder().has("marks/busy"); }));
    CHECK(site.reload() == 0);
    CHECK(idle.ends());
    CHECK(site.is_whole(busy.answer()));
    CHECK(busy.ends());
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("what is longer than reload.retire is cut and named") {
    const ServedSite site({}, "reload.retire = \"300ms\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    auto request = site.in_flight(100s);
    const auto old_master = site.master();
    CHECK(site.reload() == 0);
    CHECK_FALSE(request.answer().has_value());
    CHECK(sluice.logs("app/slow.php"));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.err(), "1 request cut"));
    CHECK(eventually([&] { return !exists(old_master); }));
    CHECK(site.master() != 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("IPv6 alone") {
    const int port = free_port();
    const Place place("::1", port);
    const ServedSite site(
        {.pool = "listen = [::1]:" + std::to_string(port) + "\nlisten.allowed_clients = ::1\n"},
        "[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves(place));
    const auto old_master = site.master(place);
    auto request = site.in_flight(1s, place);
    CHECK(site.reload() == 0);
    const auto new_master = site.master(place);
    CHECK(new_master != 0);
    CHECK(new_master != old_master);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a port alone, for both IP versions or for IPv6 only") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a network of its own needs root");
        return;
    }
    constexpr int port = 9'000;
    bool v6_only = false;
    SUBCASE("both") {
        v6_only = false;
    }
    SUBCASE("bindv6only") {
        v6_only = true;
    }
    const ServedSite site({.pool = "listen = 9000\n"},
                          "[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\n");
    auto launch = site.launch();
    launch.before_exec = [v6_only] { own_network(v6_only); };
    Sluice sluice(launch);
    const auto check = [&](const Place& place) {
        const InNetworkOf inside(sluice.pid());
        REQUIRE(site.serves(place));
        auto request = site.in_flight(700ms, place);
        const auto old_master = site.master(place);
        CHECK(site.reload() == 0);
        const auto new_master = site.master(place);
        CHECK(new_master != 0);
        CHECK(new_master != old_master);
        CHECK(site.is_whole(request.answer()));
    };
    check({"::1", port});
    CHECK(sluice.logs("generation 1 retired in"));
    if (!v6_only) check({"127.0.0.1", port});
    CHECK(sluice.stop() == 0);
}

TEST_CASE("as www-data") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: becoming www-data needs root");
        return;
    }
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path},
                          "control.socket = \"@folder@/marks/control.sock\"\n");
    auto launch = site.launch();
    launch.before_exec = become_www_data;
    Sluice sluice(launch);
    REQUIRE(site.serves());
    for (int reload = 1; reload <= 3; ++reload) {
        const auto old_master = site.master();
        auto request = site.in_flight(300ms);
        sluice.signal(SIGHUP);
        CHECK(sluice.logs("generation " + std::to_string(reload + 1) + " serves"));
        CHECK(site.master() != old_master);
        CHECK(site.is_whole(request.answer()));
        CHECK(sluice.logs("retired in", reload));
    }
    CHECK(sluice.stop() == 0);
}

} // namespace tests
