#include "init/net/way_in.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client.h"
#include "init/net/address.h"
#include "init/net/selector.h"
#include "tests/integration/await.h"
#include "tests/integration/temp_folder.h"
#include "wire.h"

// Our own connections reach next() while users, from the same address as well, never do.

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

OwnConnection own(const WayIn& way_in) {
    auto made = way_in.connect();
    if (const int* const error = std::get_if<int>(&made)) FAIL("errno " << *error);
    return std::get<OwnConnection>(std::move(made));
}

int error_of(const WayIn& way_in) {
    const auto made = way_in.connect();
    const int* const error = std::get_if<int>(&made);
    return error == nullptr ? 0 : *error;
}

TcpEndpoint own_end_of(int descriptor) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    REQUIRE(::getsockname(descriptor, reinterpret_cast<sockaddr*>(&bound), &size) == 0);
    TcpEndpoint end{.family = bound.ss_family};
    if (bound.ss_family == AF_INET) {
        const auto& inet = reinterpret_cast<const sockaddr_in&>(bound);
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&inet.sin_addr);
        std::copy_n(bytes, sizeof inet.sin_addr, end.host.begin());
        end.port = ntohs(inet.sin_port);
    } else {
        const auto& inet = reinterpret_cast<const sockaddr_in6&>(bound);
        std::copy_n(std::begin(inet.sin6_addr.s6_addr), end.host.size(), end.host.begin());
        end.port = ntohs(inet.sin6_port);
    }
    return end;
}

// A user who has this address and port. 0: connected and closed again; else errno.
int user_from(const TcpEndpoint& from, const Endpoint& asked) {
    const os::Descriptor socket(::socket(from.family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int reuse = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    const auto source = socket_address(from);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&source.storage), source.size) != 0)
        return errno;
    const auto address = socket_address(asked);
    return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                     address.size) == 0
               ? 0
               : errno;
}

/// Users of the same host in processes of their own: each connects, reads which generation it met,
/// and again, until it is told to stop.
class Users {
  public:
    Users(int count, const Endpoint& asked) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        results_ = os::Descriptor(ends[0]);
        const os::Descriptor write_end(ends[1]);
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const os::Descriptor stop(ends[0]);
        stop_ = os::Descriptor(ends[1]);
        for (int i = 0; i < count; ++i) {
            children_.push_back(::fork());
            if (children_.back() == 0) {
                ::close(stop_.get());
                be_one(asked, write_end.get(), stop.get());
            }
        }
    }

    ~Users() { stop(); }

    Users(const Users&) = delete;
    Users& operator=(const Users&) = delete;

    /// What they met since the last call: 'l' for live, 'n' for next, '?' for no answer.
    std::string met() {
        std::string all;
        char piece[4'096];
        pollfd waiting{.fd = results_.get(), .events = POLLIN, .revents = 0};
        while (::poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0) {
            const auto size = ::read(results_.get(), piece, sizeof piece);
            if (size <= 0) break;
            all.append(piece, static_cast<std::size_t>(size));
        }
        return all;
    }

    void stop() {
        stop_ = {};
        for (const pid_t child : std::exchange(children_, {})) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }

  private:
    [[noreturn]] static void be_one(const Endpoint& asked, int results, int stop) {
        const auto address = socket_address(asked);
        const auto* const plain = reinterpret_cast<const sockaddr*>(&address.storage);
        for (;;) {
            pollfd ended{.fd = stop, .events = POLLIN, .revents = 0};
            if (::poll(&ended, 1, 0) != 0) ::_exit(0);
            const os::Descriptor socket(::socket(plain->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
            char answer = '?';
            if (::connect(socket.get(), plain, address.size) != 0 ||
                ::read(socket.get(), &answer, 1) != 1)
                answer = '?';
            if (::write(results, &answer, 1) != 1) ::_exit(0);
        }
    }

    os::Descriptor results_;
    os::Descriptor stop_;
    std::vector<pid_t> children_;
};

// Each generation answers with its letter.
void serve(const Address& address) {
    while (const auto user = tests::accept_from(address.live())) tests::send_text(user, "l");
    if (address.next() == nullptr) return;
    while (const auto user = tests::accept_from(*address.next())) tests::send_text(user, "n");
}

// The letter that came over a connection of our own, with the users served meanwhile.
char letter(const Address& address, const OwnConnection& connection) {
    char answer = '?';
    tests::eventually([&] {
        serve(address);
        return ::recv(connection.descriptor(), &answer, 1, 0) == 1;
    });
    return answer;
}

struct Tally {
    long own = 0;
    long own_astray = 0;
    long users = 0;
    long users_astray = 0;
};

void count(Tally& tally, const std::string& met) {
    tally.users += static_cast<long>(met.size());
    tally.users_astray += std::ranges::count_if(met, [](char one) { return one != 'l'; });
}

// Own connections come and go, up to a few at a time, until there were so many of us and of users.
Tally mix(const Address& address, Users& users, long wanted_own, long wanted_users) {
    Tally tally;
    std::list<OwnConnection> open;
    const bool enough = tests::eventually([&] {
        open.push_back(own(*address.way_in()));
        ++tally.own;
        if (letter(address, open.back()) != 'n') ++tally.own_astray;
        constexpr std::size_t at_a_time = 7;
        if (open.size() >= at_a_time) open.pop_front();
        count(tally, users.met());
        return tally.own >= wanted_own && tally.users >= wanted_users;
    });
    CHECK(enough);
    return tally;
}

void keeps_users_away(const Wanted& wanted, const Endpoint& asked) {
    auto address = opened(wanted);
    Users users(3, asked);
    must(address.join(wanted));
    const auto tally = mix(address, users, 100, 3'000);
    MESSAGE(tally.own << " own connections among " << tally.users << " users");
    CHECK(tally.own_astray == 0);
    CHECK(tally.users_astray == 0);
}

bool has_ipv6() {
    const os::Descriptor socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = socket_address(tests::loopback(AF_INET6, 0));
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                  address.size) == 0;
}

} // namespace

TEST_CASE("3,000 users from our own address never reach the generation that we come into") {
    SUBCASE("127.0.0.1") {
        const auto endpoint = tests::free_endpoint();
        keeps_users_away({.endpoint = endpoint}, endpoint);
    }
    SUBCASE("0.0.0.0") {
        const auto endpoint = tests::free_endpoint(AF_INET, true);
        keeps_users_away({.endpoint = endpoint}, tests::loopback(AF_INET, endpoint.port));
    }
    SUBCASE("another specific address") {
        auto endpoint = tests::free_endpoint();
        endpoint.host = {127, 0, 0, 9};
        keeps_users_away({.endpoint = endpoint}, endpoint);
    }
    SUBCASE("dual-stack, users by IPv4") {
        const auto endpoint = tests::free_endpoint(AF_INET6, true);
        keeps_users_away({.endpoint = endpoint, .v6only = false},
                         tests::loopback(AF_INET, endpoint.port));
    }
    SUBCASE("dual-stack, users by IPv6") {
        if (!has_ipv6()) return;
        const auto endpoint = tests::free_endpoint(AF_INET6, true);
        keeps_users_away({.endpoint = endpoint, .v6only = false},
                         tests::loopback(AF_INET6, endpoint.port));
    }
    SUBCASE("[::] for IPv6 alone") {
        if (!has_ipv6()) return;
        const auto endpoint = tests::free_endpoint(AF_INET6, true);
        keeps_users_away({.endpoint = endpoint, .v6only = true},
                         tests::loopback(AF_INET6, endpoint.port));
    }
    SUBCASE("::1") {
        if (!has_ipv6()) return;
        const auto endpoint = tests::free_endpoint(AF_INET6, false);
        keeps_users_away({.endpoint = endpoint}, endpoint);
    }
    SUBCASE("::ffff:127.0.0.1, which IPv4 packets reach") {
        auto endpoint = tests::free_endpoint(AF_INET6, true);
        endpoint.host = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1};
        keeps_users_away({.endpoint = endpoint}, tests::loopback(AF_INET, endpoint.port));
    }
    SUBCASE("a path") {
        const tests::TempFolder folder;
        const PathEndpoint endpoint{folder.path("fpm.sock")};
        keeps_users_away({.endpoint = endpoint}, endpoint);
    }
}

TEST_CASE("control: with a wrong selector the same count finds users astray") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    Users users(3, endpoint);
    must(address.join({.endpoint = endpoint}));
    Tally tally;
    CHECK(tests::eventually([&] {
        REQUIRE(select_member(address.live(), 1) == 0);
        serve(address);
        count(tally, users.met());
        return tally.users >= 300;
    }));
    CHECK(tally.users_astray > 200);
}

TEST_CASE(
    "100 reloads with a way in: users always meet the live one, whatever of ours stays open") {
    const auto endpoint = tests::free_endpoint(AF_INET6, true);
    const Wanted wanted{.endpoint = endpoint, .v6only = false};
    auto address = opened(wanted);
    Users users(2, tests::loopback(AF_INET, endpoint.port));
    Tally tally;
    std::list<OwnConnection> late; // that end in a later reload, or after it
    for (int reload = 0; reload < 100; ++reload) {
        must(address.join(wanted));
        const auto way_in = address.way_in();
        REQUIRE(way_in);
        for (int i = 0; i < 3; ++i) {
            late.push_back(own(*way_in));
            CHECK(letter(address, late.back()) == 'n');
        }
        late.pop_front();
        if (reload % 3 == 0) {
            address.give_up();
        } else {
            must(address.switch_over());
            late.pop_front();
            CHECK(address.old()->hide() == 0);
            // The old one's queue, with users in it, is served out.
            while (const auto user = tests::accept_from(*address.old()))
                tests::send_text(user, "l");
        }
        CHECK(error_of(*way_in) == ESHUTDOWN);
        late.pop_front();
        serve(address);
        if (address.old() != nullptr) {
            while (const auto user = tests::accept_from(*address.old()))
                tests::send_text(user, "l");
            address.leave();
        }
        if (late.size() > 4) late.pop_front();
        serve(address);
        count(tally, users.met());
    }
    const long so_far = tally.users;
    CHECK(tests::eventually([&] {
        serve(address);
        count(tally, users.met());
        return tally.users > so_far + 100;
    }));
    MESSAGE(tally.users << " users");
    CHECK(tally.users_astray == 0);
}

TEST_CASE("a connection that ends after the switch leaves the selector alone") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    must(address.join({.endpoint = endpoint}));
    {
        auto one = own(*address.way_in());
        auto other = own(*address.way_in());
        must(address.switch_over());
        one = std::move(other);
    }
    tests::accept_all(address.live());
    const auto users = tests::connect_many(endpoint, 20);
    CHECK(tests::accept_all(address.live()) == 20);
    CHECK(address.old()->queued() == 0);
}

TEST_CASE("a connection that ends after the intake is held off does not open it again") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    must(address.join({.endpoint = endpoint}));
    {
        const auto one = own(*address.way_in());
        const auto way_in = address.way_in();
        REQUIRE(address.hold_off() == 0);
        CHECK(error_of(*way_in) == ESHUTDOWN);
    }
    CHECK(tests::connect_to(endpoint).met == Met::silence);
}

TEST_CASE("once the intake is closed there is no way in") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    must(address.join({.endpoint = endpoint}));
    const auto way_in = address.way_in();
    const auto one = own(*way_in);
    CHECK(address.hide() == 0);
    CHECK_FALSE(address.way_in());
    CHECK(error_of(*way_in) == ESHUTDOWN);
}

TEST_CASE("the address may go before the way in and its connections") {
    std::optional<WayIn> way_in;
    std::optional<OwnConnection> connection;
    {
        const auto endpoint = tests::free_endpoint();
        auto address = opened({.endpoint = endpoint});
        CHECK_FALSE(address.way_in());
        must(address.join({.endpoint = endpoint}));
        auto moved = std::move(address);
        way_in = moved.way_in();
        connection = own(*way_in);
        CHECK(tests::accept_all(*moved.next()) == 1);
    }
    CHECK(error_of(*way_in) == ESHUTDOWN);
}

TEST_CASE("64 at a time, and the next one when one of them is done") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    must(address.join({.endpoint = endpoint}));
    const auto way_in = *address.way_in();
    std::list<OwnConnection> open;
    for (std::size_t i = 0; i < most_own; ++i) open.push_back(own(way_in));
    CHECK(error_of(way_in) == EAGAIN);
    CHECK(tests::accept_all(*address.next()) == static_cast<int>(most_own));
    for (int i = 0; i < 200; ++i) {
        open.pop_front();
        open.push_back(own(way_in));
    }
    CHECK(tests::accept_all(*address.next()) == 200);
    CHECK(address.live().queued() == 0);
}

TEST_CASE("a port of ours is nobody else's as long as the selector names it, and a user's after") {
    const auto endpoint = tests::free_endpoint();
    auto address = opened({.endpoint = endpoint});
    must(address.join({.endpoint = endpoint}));
    auto connection = std::optional(own(*address.way_in()));
    const auto end = own_end_of(connection->descriptor());

    // The other side resets it: the kernel lets go of a port that it chose itself.
    auto accepted = tests::accept_from(*address.next());
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    accepted = {};
    pollfd reset{.fd = connection->descriptor(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&reset, 1, 1'000) == 1);
    REQUIRE((reset.revents & POLLERR) != 0);
    using namespace std::chrono_literals;
    CHECK_FALSE(tests::eventually([&] { return user_from(end, endpoint) != EADDRINUSE; }, 100ms));

    connection.reset();
    CHECK(user_from(end, endpoint) == 0);
    CHECK(tests::accept_all(address.live()) == 1);
    CHECK(tests::accept_all(*address.next()) == 0);
}

TEST_CASE("a user with a port like ours and another address is a user") {
    const auto endpoint = tests::free_endpoint(AF_INET6, true);
    auto address = opened({.endpoint = endpoint, .v6only = false});
    must(address.join({.endpoint = endpoint, .v6only = false}));
    const auto connection = own(*address.way_in());
    const auto port = own_end_of(connection.descriptor()).port;
    CHECK(tests::accept_all(*address.next()) == 1);
    auto other = tests::loopback(AF_INET, port);
    other.host[3] = 2;
    CHECK(user_from(other, tests::loopback(AF_INET, endpoint.port)) == 0);
    int users = 1;
    if (has_ipv6()) {
        const auto ipv6 = tests::loopback(AF_INET6, endpoint.port);
        CHECK(user_from(tests::loopback(AF_INET6, port), ipv6) == 0);
        ++users;
    }
    CHECK(tests::accept_all(address.live()) == users);
    CHECK(tests::accept_all(*address.next()) == 0);
}

TEST_CASE("control: the kernel lets go of a port that it chose itself when there is a reset") {
    const auto listener = tests::listening({.endpoint = tests::free_endpoint()});
    // Bound, so that no other connection shares the port.
    const os::Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto any = socket_address(tests::loopback(AF_INET, 0));
    const auto to = socket_address(listener.endpoint());
    REQUIRE(::bind(client.get(), reinterpret_cast<const sockaddr*>(&any.storage), any.size) == 0);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) == 0);
    const auto end = own_end_of(client.get());
    CHECK(user_from(end, listener.endpoint()) == EADDRINUSE);
    auto accepted = tests::accept_from(listener);
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    accepted = {};
    pollfd reset{.fd = client.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&reset, 1, 1'000) == 1);
    CHECK(tests::eventually([&] { return user_from(end, listener.endpoint()) == 0; }));
}

TEST_CASE("from where we come, for listen.allowed_clients") {
    using Texts = std::vector<std::string>;
    CHECK(own_addresses(TcpEndpoint{.family = AF_INET, .port = 9'000}) == Texts{"127.0.0.1"});
    CHECK(own_addresses(TcpEndpoint{.family = AF_INET6, .port = 9'000}) ==
          Texts{"127.0.0.1", "::1"});
    CHECK(own_addresses(TcpEndpoint{.family = AF_INET, .host = {10, 1, 2, 3}, .port = 9'000}) ==
          Texts{"10.1.2.3"});
    CHECK(own_addresses(tests::loopback(AF_INET6, 9'000)) == Texts{"::1"});
    CHECK(own_addresses(PathEndpoint{"/run/fpm.sock"}).empty());
}

namespace {

// As uid 33 without capabilities: the whole life of a way in.
int without_privileges() {
    const Wanted wanted{.endpoint = tests::free_endpoint(AF_INET6, true)};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr || address->join(wanted)) return 1;
    const auto way_in = address->way_in();
    if (!way_in) return 2;
    {
        const auto connection = way_in->connect();
        if (!std::holds_alternative<OwnConnection>(connection)) return 3;
        if (tests::accept_all(*address->next()) != 1) return 4;
        const auto port = std::get<TcpEndpoint>(wanted.endpoint).port;
        const auto users = tests::connect_many(tests::loopback(AF_INET, port), 100);
        if (tests::accept_all(*address->next()) != 0) return 5;
        if (tests::accept_all(address->live()) != 100) return 6;
    }
    return address->switch_over() ? 7 : 0;
}

constexpr int cannot = 98;

// Where IPv6 is switched off [::] has IPv4 clients only, and so it is with us.
int with_ipv6_switched_off() {
    std::ofstream file;
    if (!tests::Wire::make()) return cannot;
    file.open("/proc/sys/net/ipv6/conf/all/disable_ipv6");
    if (!(file << "1" << std::flush)) return cannot;
    const Wanted wanted{.endpoint = TcpEndpoint{.family = AF_INET6, .port = 9'000}};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr || address->join(wanted)) return 1;
    const auto connection = address->way_in()->connect();
    if (!std::holds_alternative<OwnConnection>(connection)) return 2;
    return tests::accept_all(*address->next()) == 1 ? 0 : 3;
}

// The sysctl bindv6only makes [::] IPv6 alone, though nobody asked for it in `wanted`.
int with_separate_versions() {
    std::ofstream file;
    if (!tests::Wire::make()) return cannot;
    file.open("/proc/sys/net/ipv6/bindv6only");
    if (!(file << "1" << std::flush)) return cannot;
    const Wanted wanted{.endpoint = TcpEndpoint{.family = AF_INET6, .port = 9'000}};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr || address->join(wanted)) return 1;
    const auto connection = address->way_in()->connect();
    if (!std::holds_alternative<OwnConnection>(connection)) return 2;
    if (tests::accept_all(*address->next()) != 1) return 3;
    const auto users = tests::connect_many(tests::loopback(AF_INET6, 9'000), 10);
    return tests::accept_all(address->live()) == 10 ? 0 : 4;
}

void check(int (*steps)(), bool as_nobody) {
    const int step = tests::in_child(steps, as_nobody);
    if (step == cannot) {
        MESSAGE("skipped: needs root, /dev/net/tun and a writable /proc/sys");
    } else {
        CHECK(step == 0);
    }
}

} // namespace

TEST_CASE("a way in takes no privilege") {
    if (::getuid() != 0) return;
    check(without_privileges, true);
}

TEST_CASE("with IPv6 switched off the way in to [::] is IPv4") {
    check(with_ipv6_switched_off, false);
}

TEST_CASE("with bindv6only the way in to [::] is IPv6") {
    check(with_separate_versions, false);
}

} // namespace sluice::net
