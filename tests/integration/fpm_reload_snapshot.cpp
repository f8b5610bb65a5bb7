#include <doctest/doctest.h>

#include <csignal>

#include "served_site.h"

// php-fpm.conf changes, and FPM is started again without a reload.

namespace tests {

namespace {

// Kills the master, and gives the next one. A worker of the dead one answers with sluice's own pid,
// for sluice is its parent by then.
pid_t after_a_crash(const ServedSite& site, Sluice& sluice) {
    const auto killed = site.master();
    REQUIRE(killed != 0);
    const int answers = occurrences(sluice.err(), "php-fpm8.2 answers");
    ::kill(killed, SIGKILL);
    REQUIRE_MESSAGE(sluice.logs("php-fpm8.2 answers", answers + 1), sluice.err());
    pid_t next = 0;
    REQUIRE(eventually([&] {
        next = site.master();
        return next != 0 && next != killed && next != sluice.pid();
    }));
    return next;
}

} // namespace

TEST_CASE("php-fpm.conf is broken: what runs is started again as it was, and a reload says where") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.append("nonsense = yes\n");
    const auto place = "[" + site.config() + ":" +
                       std::to_string(lines_of(read_file(site.config())).size()) +
                       "] unknown entry 'nonsense'";
    for (int crash = 0; crash < 2; ++crash) {
        const auto refused = site.ask({"reload", "--wait"});
        INFO(refused.out << refused.err);
        CHECK(refused.status == 1);
        CHECK(has_part(refused.out + refused.err, place));
        CHECK(after_a_crash(site, sluice) != 0);
        CHECK(site.answer("index.php") == "pong");
    }
    site.change("nonsense = yes\n", "");
    CHECK(site.reload() == 0);
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a pool in php-fpm.conf comes with a reload, not with a crash") {
    const bool by_path = each_transport();
    const ServedSite site({.more = "include=@folder@/*.pool\n", .by_path = by_path});
    const int port = free_port();
    const auto listen =
        by_path ? site.folder().path("marks/second.sock") : "127.0.0.1:" + std::to_string(port);
    const auto second = by_path ? Place(listen) : Place(port);
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.folder().write("second.pool", pool_on("second", listen));
    REQUIRE(after_a_crash(site, sluice) != 0);
    CHECK(second.refusal() != 0);
    CHECK(site.reload() == 0);
    CHECK(site.master(second) == site.master());
    // And from then on it is there after a crash, too.
    const auto next = after_a_crash(site, sluice);
    CHECK(eventually([&] { return site.master(second) == next; }));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a pool that is taken out of php-fpm.conf goes with a reload, not with a crash") {
    const ServedSite site;
    const int port = free_port();
    const auto lines = pool_on("second", "127.0.0.1:" + std::to_string(port));
    site.append(lines);
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    site.change(lines, "");
    const auto next = after_a_crash(site, sluice);
    CHECK(eventually([&] { return site.master(Place(port)) == next; }));
    CHECK(site.reload() == 0);
    CHECK(Place(port).refusal() != 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE(
    "FPM reloads by itself from the second time on: it has a changed php-fpm.conf each time") {
    const ServedSite site;
    site.folder().write("app/value.php", "<?php echo $_SERVER['VALUE'] ?? 'none';\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto first = site.master();
    site.configure("reload.strategy = \"signal\"\n");
    site.append("env[VALUE] = one\n");
    CHECK(site.reload() == 0);
    const auto second = site.master();
    CHECK(second != first);
    CHECK(site.answer("value.php") == "one");
    CHECK(sluice.logs("generation 1 retired in"));
    site.change("env[VALUE] = one\n", "env[VALUE] = two\n");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("signal USR2 to php-fpm8.2"));
    CHECK(eventually([&] { return site.answer("value.php") == "two"; }));
    CHECK(site.master() == second);
    CHECK(sluice.stop() == 0);
}

} // namespace tests
