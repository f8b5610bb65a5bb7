#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "client.h"
#include "init/net/address.h"
#include "init/net/diag.h"
#include "wire.h"

// What a container's sysctls make of IPv6, in a network namespace of the test's own.

namespace sluice::net {

using tests::Met;
using tests::Wire;

namespace {

constexpr int cannot = 98;

bool set_sysctl(const std::string& name, const std::string& value) {
    std::ofstream file("/proc/sys/net/ipv6/" + name);
    return static_cast<bool>(file << value << std::flush);
}

int with_separate_versions() {
    if (!Wire::make() || !set_sysctl("bindv6only", "1")) return cannot;
    const TcpEndpoint ipv6{.family = AF_INET6, .port = 9'000};
    const TcpEndpoint ipv4{.family = AF_INET, .port = 9'000};
    const auto first = listen({.endpoint = ipv6});
    const auto second = listen({.endpoint = ipv4});
    const auto* const six = std::get_if<Listener>(&first);
    const auto* const four = std::get_if<Listener>(&second);
    if (six == nullptr || four == nullptr) return 1;
    const auto one = tests::connect_many(tests::loopback(AF_INET6, 9'000), 1);
    const auto two = tests::connect_many(tests::loopback(AF_INET, 9'000), 2);
    const auto of_six = connections(*six);
    const auto of_four = connections(*four);
    if (!of_six || of_six->open.size() != 1) return 2;
    return of_four && of_four->open.size() == 2 ? 0 : 3;
}

int without_ipv6_addresses() {
    if (!Wire::make() || !set_sysctl("conf/all/disable_ipv6", "1")) return cannot;
    auto made = Address::open({.endpoint = TcpEndpoint{.family = AF_INET6, .port = 9'000}});
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 1;
    const auto asked = tests::loopback(AF_INET, 9'000);
    if (tests::connect_to(asked).met != Met::connected) return 2;
    if (address->hold_off() != 0) return 3;
    if (tests::connect_to(asked).met != Met::silence) return 4;
    return address->live().queued() == 1 ? 0 : 5;
}

void check(int (*steps)()) {
    const int step = tests::in_child(steps, false);
    if (step == cannot) {
        MESSAGE("skipped: needs root, /dev/net/tun and a writable /proc/sys");
    } else {
        CHECK(step == 0);
    }
}

} // namespace

TEST_CASE("with bindv6only the two versions of a port have their own connections") {
    check(with_separate_versions);
}

TEST_CASE("with IPv6 switched off a dual-stack listener can still be parked") {
    check(without_ipv6_addresses);
}

} // namespace sluice::net
