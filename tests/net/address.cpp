#include "init/net/address.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>

#include "client.h"
#include "init/net/selector.h"
#include "tests/integration/temp_folder.h"

namespace sluice::net {

using tests::Met;

namespace {

Address opened(const Wanted& wanted) {
    auto made = Address::open(wanted);
    if (const auto* const refused = std::get_if<Refused>(&made)) FAIL(refused->why);
    return std::get<Address>(std::move(made));
}

void must(const std::optional<Refused>& refused) {
    if (refused) FAIL(refused->why);
}

// How many of ten connections went elsewhere than to the expected listener.
int astray(const Endpoint& asked, const Listener& expected, const Listener* other) {
    constexpr int each = 10;
    const auto clients = tests::connect_many(asked, each);
    const int arrived = tests::accept_all(expected);
    const int elsewhere = other == nullptr ? 0 : tests::accept_all(*other);
    CHECK(arrived + elsewhere == each);
    return each - arrived;
}

int astray_in_one_switch(Address& address, const Wanted& wanted, const Endpoint& asked) {
    int wrong = astray(asked, address.live(), nullptr);
    must(address.join(wanted));
    wrong += astray(asked, address.live(), address.next());

    // Those in the queue at the switch stay with the listener that has them.
    const auto waiting = tests::connect_many(asked, 3);
    must(address.switch_over());
    wrong += astray(asked, address.live(), nullptr);
    CHECK(address.old()->queued() == 3);
    CHECK(address.old()->hide() == 0);
    wrong += astray(asked, address.live(), nullptr);
    CHECK(tests::accept_all(*address.old()) == 3);
    address.leave();
    CHECK(address.old() == nullptr);
    return wrong + astray(asked, address.live(), nullptr);
}

} // namespace

TEST_CASE("50 switches on TCP, five steps each: no connection goes astray") {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto address = opened(wanted);
    int wrong = 0;
    for (int i = 0; i < 50; ++i) wrong += astray_in_one_switch(address, wanted, wanted.endpoint);
    CHECK(wrong == 0);
}

TEST_CASE("switches on a dual-stack address, for IPv4 and IPv6 clients") {
    const auto endpoint = tests::free_endpoint(AF_INET6, true);
    auto address = opened({.endpoint = endpoint});
    int wrong = 0;
    for (const int family : {AF_INET, AF_INET6, AF_INET}) {
        const auto asked = tests::loopback(family, endpoint.port);
        wrong += astray_in_one_switch(address, {.endpoint = endpoint}, asked);
    }
    CHECK(wrong == 0);
}

TEST_CASE("50 switches on a path: no connection goes astray, no name stays") {
    const tests::TempFolder folder;
    const Wanted wanted{.endpoint = PathEndpoint{folder.path("fpm.sock")}};
    {
        auto address = opened(wanted);
        int wrong = 0;
        for (int i = 0; i < 50; ++i) {
            wrong += astray_in_one_switch(address, wanted, wanted.endpoint);
        }
        CHECK(wrong == 0);
        CHECK(address.live().has_path());
    }
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a second listener on a path is reached under its own name until the switch") {
    const tests::TempFolder folder;
    const Wanted wanted{.endpoint = PathEndpoint{folder.path("fpm.sock")}, .mode = 0600};
    auto address = opened(wanted);
    must(address.join(wanted));
    const auto own = address.next()->reached_at();
    CHECK(to_string(own).starts_with(folder.path("fpm.sock.sluice-")));
    CHECK(tests::connect_to(own).met == Met::connected);
    CHECK(tests::accept_all(*address.next()) == 1);
    CHECK(astray(wanted.endpoint, address.live(), address.next()) == 0);

    address.give_up();
    CHECK(tests::connect_to(own).met == Met::absent);
    CHECK(astray(wanted.endpoint, address.live(), nullptr) == 0);
}

TEST_CASE("a path as long as it may be still has room for a second name") {
    const tests::TempFolder folder;
    const auto rest = longest_path - folder.path().size() - 1;
    const Wanted wanted{.endpoint = PathEndpoint{folder.path(std::string(rest, 'x'))}};
    auto address = opened(wanted);
    must(address.join(wanted));
    CHECK(tests::connect_to(address.next()->reached_at()).met == Met::connected);
}

TEST_CASE("what somebody else has put at the path is not replaced by a switch") {
    const tests::TempFolder folder;
    const Wanted wanted{.endpoint = PathEndpoint{folder.path("fpm.sock")}};
    auto address = opened(wanted);
    must(address.join(wanted));
    std::filesystem::remove(folder.path("fpm.sock"));
    folder.write("fpm.sock", "a file");
    const auto refused = address.switch_over();
    REQUIRE(refused);
    CHECK(refused->error == EADDRINUSE);
    CHECK(address.next() != nullptr);
    // A name that is just missing is put back by the switch.
    std::filesystem::remove(folder.path("fpm.sock"));
    must(address.switch_over());
    CHECK(address.live().has_path());
}

TEST_CASE("a switch that is undone: users are where they were, and the next one works") {
    const tests::TempFolder folder;
    Wanted wanted;
    SUBCASE("TCP") {
        wanted.endpoint = tests::free_endpoint();
    }
    SUBCASE("a path") {
        wanted.endpoint = PathEndpoint{folder.path("fpm.sock")};
    }
    auto address = opened(wanted);
    CHECK(address.switch_back()->error == EINVAL);
    for (int i = 0; i < 10; ++i) {
        must(address.join(wanted));
        const int live = address.live().descriptor();
        const auto waiting = tests::connect_many(wanted.endpoint, 2);
        must(address.switch_over());
        must(address.switch_back());
        CHECK(address.live().descriptor() == live);
        CHECK(address.old() == nullptr);
        CHECK(tests::accept_all(address.live()) == 2);
        CHECK(astray(wanted.endpoint, address.live(), address.next()) == 0);
        address.give_up();
        CHECK(astray(wanted.endpoint, address.live(), nullptr) == 0);
    }
    must(address.join(wanted));
    must(address.switch_over());
    CHECK(address.old()->hide() == 0);
    CHECK(astray(wanted.endpoint, address.live(), nullptr) == 0);
    address.shut();
    // Only its public name is left, until the address goes.
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) ==
          (address.by_path() ? 1 : 0));
}

TEST_CASE("a name that had vanished is not there again after a switch that is undone") {
    const tests::TempFolder folder;
    const Wanted wanted{.endpoint = PathEndpoint{folder.path("fpm.sock")}};
    auto address = opened(wanted);
    must(address.join(wanted));
    std::filesystem::remove(folder.path("fpm.sock"));
    must(address.switch_over());
    const auto refused = address.switch_back();
    REQUIRE(refused);
    CHECK(refused->why.find("restart the container") != std::string::npos);
    address.give_up();
    CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a rollback on TCP changes nothing for users") {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto address = opened(wanted);
    for (int i = 0; i < 10; ++i) {
        must(address.join(wanted));
        address.give_up();
        CHECK(address.next() == nullptr);
        CHECK(astray(wanted.endpoint, address.live(), nullptr) == 0);
    }
}

TEST_CASE("never more than two, and only for the same address") {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto address = opened(wanted);
    CHECK(address.join({.endpoint = tests::free_endpoint()})->error == EINVAL);
    CHECK(address.switch_over()->error == EINVAL);
    must(address.join(wanted));
    CHECK(address.join(wanted)->error == EBUSY);
    must(address.switch_over());
    CHECK(address.join(wanted)->error == EBUSY);
    address.leave();
    must(address.join(wanted));
}

TEST_CASE("closing the intake refuses users in every state, and keeps every queue") {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    for (const int state : {0, 1, 2}) {
        CAPTURE(state);
        auto address = opened(wanted);
        const auto before = tests::connect_many(wanted.endpoint, 2);
        if (state >= 1) must(address.join(wanted));
        if (state == 2) must(address.switch_over());
        const auto after = tests::connect_many(wanted.endpoint, 3);
        CHECK(address.hide() == 0);
        for (int i = 0; i < 20; ++i) {
            CHECK(tests::connect_to(wanted.endpoint).met == Met::refused);
        }
        CHECK(tests::accept_all(address.live()) == (state == 2 ? 3 : 5));
        if (state == 2) CHECK(tests::accept_all(*address.old()) == 2);
        address.shut();
    }
}

TEST_CASE("held off: SYNs are dropped, every queue is kept") {
    for (const bool wildcard : {false, true}) {
        for (const int family : {AF_INET, AF_INET6}) {
            for (const int state : {0, 1, 2}) {
                CAPTURE(family);
                CAPTURE(state);
                const auto endpoint = tests::free_endpoint(family, wildcard);
                const auto asked = tests::loopback(family, endpoint.port);
                const Wanted wanted{.endpoint = endpoint};
                auto address = opened(wanted);
                const auto before = tests::connect_many(asked, 2);
                if (state >= 1) must(address.join(wanted));
                if (state == 2) must(address.switch_over());
                const auto after = tests::connect_many(asked, 3);
                CHECK(address.hold_off() == 0);
                CHECK(tests::connect_to(asked).met == Met::silence);
                if (state == 1) address.give_up();
                if (state == 2) {
                    CHECK(tests::accept_all(*address.old()) == 2);
                    address.leave();
                }
                CHECK(tests::connect_to(asked).met == Met::silence);
                CHECK(address.live().queued() == (state == 2 ? 3 : 5));
                CHECK(tests::accept_all(address.live()) == (state == 2 ? 3 : 5));
                address.shut();
            }
        }
    }
}

TEST_CASE("held off by uid 33, where the dropped client comes back in vain") {
    CHECK(tests::in_child(
              [] {
                  auto made = Address::open({.endpoint = tests::free_endpoint()});
                  auto* const address = std::get_if<Address>(&made);
                  if (address == nullptr) return 1;
                  if (address->hold_off() != 0) return 2;
                  if (address->hold_off() != 0) return 3; // a second time changes nothing
                  if (tests::connect_to(address->endpoint()).met != Met::silence) return 4;
                  address->shut();
                  return address->live().queued() == 0 ? 0 : 5;
              },
              ::geteuid() == 0) == 0);
}

} // namespace sluice::net
