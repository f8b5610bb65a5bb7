#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>

#include "fpm_site.h"
#include "isolation.h"

// A port alone, on machines that differ in what it means; each in a network of its own.

namespace tests {

namespace {

constexpr int port = 9'000;

std::string pool(const std::string& name, const std::string& listen) {
    return "[" + name + "]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
           "\npm = static\npm.max_children = 1\n";
}

bool cannot_be_tested() {
    if (::geteuid() == 0) return false;
    MESSAGE("skipped: a network of its own needs root");
    return true;
}

} // namespace

TEST_CASE("a port alone is for both IP versions where sockets are") {
    const Mode mode = each_mode();
    if (cannot_be_tested()) return;
    const FpmSite site(FpmLines{.pool = "listen = 9000\n"});
    Sluice sluice(
        {.command = site.command(), .mode = mode, .before_exec = [] { own_network(false); }});
    {
        const InNetworkOf inside(sluice.pid());
        CHECK(site.serves({"::1", port}));
        CHECK(site.serves({"127.0.0.1", port}));
    }
    CHECK(sluice.stop() == 0);
}

TEST_CASE("bindv6only: a port alone is IPv6's, and IPv4 can have a pool of its own") {
    const Mode mode = each_mode();
    if (cannot_be_tested()) return;
    bool second = false;
    SUBCASE("one pool") {
        second = false;
    }
    SUBCASE("two pools") {
        second = true;
    }
    const FpmSite site(
        FpmLines{.pool = "listen = 9000\n", .more = second ? pool("four", "0.0.0.0:9000") : ""});
    Sluice sluice(
        {.command = site.command(), .mode = mode, .before_exec = [] { own_network(true); }});
    {
        const InNetworkOf inside(sluice.pid());
        CHECK(site.serves({"::1", port}));
        if (second) {
            CHECK(site.serves({"127.0.0.1", port}));
        } else {
            CHECK(Place("127.0.0.1", port).refusal() == ECONNREFUSED);
        }
    }
    CHECK(sluice.stop() == 0);
}

} // namespace tests
