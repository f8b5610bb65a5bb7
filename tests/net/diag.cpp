#include "init/net/diag.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "client.h"
#include "init/net/diag_messages.h"
#include "init/net/listener.h"
#include "tests/integration/await.h"
#include "tests/integration/temp_folder.h"

namespace sluice::net {

namespace {

Connections connections_of(const Listener& listener) {
    auto found = connections(listener);
    REQUIRE(found);
    return *std::move(found);
}

auto accepted_in(const Connections& found) {
    return std::ranges::count_if(found.open, &Connection::accepted);
}

std::uint32_t inode_of(const os::Descriptor& socket) {
    struct stat status {};

    REQUIRE(::fstat(socket.get(), &status) == 0);
    return static_cast<std::uint32_t>(status.st_ino);
}

void counts_waiting_and_accepted(const TcpEndpoint& listened, const TcpEndpoint& asked) {
    const auto listener = tests::listening({.endpoint = listened});
    CHECK(connections_of(listener).open.empty());
    const auto clients = tests::connect_many(asked, 3);
    auto found = connections_of(listener);
    CHECK(found.open.size() == 3);
    CHECK(accepted_in(found) == 0);
    CHECK(found.half_open == 0);

    const auto worker = tests::accept_from(listener);
    found = connections_of(listener);
    CHECK(found.open.size() == 3);
    CHECK(accepted_in(found) == 1);
    const auto connection = std::ranges::find_if(found.open, &Connection::accepted);
    CHECK(connection->inode == inode_of(worker));
    CHECK(connection->state == established);
}

} // namespace

TEST_CASE("waiting and accepted TCP connections are told apart, in every family") {
    const auto ipv4 = tests::free_endpoint();
    counts_waiting_and_accepted(ipv4, ipv4);
    const auto ipv6 = tests::free_endpoint(AF_INET6, false);
    counts_waiting_and_accepted(ipv6, ipv6);
    for (const int family : {AF_INET, AF_INET6}) {
        const auto both = tests::free_endpoint(AF_INET6, true);
        counts_waiting_and_accepted(both, tests::loopback(family, both.port));
    }
    const auto all_ipv4 = tests::free_endpoint(AF_INET, true);
    counts_waiting_and_accepted(all_ipv4, tests::loopback(AF_INET, all_ipv4.port));
}

TEST_CASE("only connections to the very address count, not those of the port elsewhere") {
    const auto endpoint = tests::free_endpoint();
    auto other_endpoint = endpoint;
    other_endpoint.host = {127, 0, 0, 2};
    const auto listener = tests::listening({.endpoint = endpoint});
    const auto other = tests::listening({.endpoint = other_endpoint});
    const auto client = tests::connect_to(endpoint);
    const auto to_other = tests::connect_many(other_endpoint, 2);
    CHECK(connections_of(listener).open.size() == 1);
    CHECK(connections_of(other).open.size() == 2);
}

TEST_CASE("unread bytes, bytes both ways, and how long nothing came") {
    const auto endpoint = tests::free_endpoint();
    const auto listener = tests::listening({.endpoint = endpoint});
    const auto client = tests::connect_to(endpoint);
    CHECK(tests::send_text(client.socket, "12345"));
    const auto only = [&] {
        auto found = connections_of(listener);
        REQUIRE(found.open.size() == 1);
        return found.open.front();
    };
    CHECK(only().unread == 5);
    const auto worker = tests::accept_from(listener);
    std::array<char, 8> text{};
    CHECK(::read(worker.get(), text.data(), text.size()) == 5);
    CHECK(only().unread == 0);
    CHECK(only().bytes_received == 5);
    CHECK(only().bytes_sent == 0);
    REQUIRE(only().since_received);
    REQUIRE(only().since_sent);

    CHECK(tests::eventually([&] { return *only().since_received > tests::patience / 200; }));
    CHECK(tests::send_text(worker, "answer!"));
    const auto after = only();
    CHECK(after.bytes_sent == 7);
    CHECK(*after.since_sent < *after.since_received);
}

TEST_CASE("a client that has closed its side is still a connection, one that we closed is not") {
    const auto endpoint = tests::free_endpoint();
    const auto listener = tests::listening({.endpoint = endpoint});
    const auto client = tests::connect_to(endpoint);
    auto worker = tests::accept_from(listener);
    REQUIRE(::shutdown(client.socket.get(), SHUT_WR) == 0);
    const auto found = connections_of(listener);
    REQUIRE(found.open.size() == 1);
    CHECK(found.open.front().state == close_wait);
    worker = {};
    { const auto closed = std::move(worker); }
    CHECK(tests::eventually([&] { return connections_of(listener).open.empty(); }));
}

TEST_CASE("connections are still listed when the listener is hidden, and when it is shut") {
    const auto endpoint = tests::free_endpoint();
    auto listener = tests::listening({.endpoint = endpoint});
    const auto clients = tests::connect_many(endpoint, 2);
    const auto worker = tests::accept_from(listener);
    CHECK(listener.hide() == 0);
    CHECK(connections_of(listener).open.size() == 2);
    CHECK(listener.shut() == 0); // resets the one that waits
    CHECK(accepted_in(connections_of(listener)) == 1);
}

TEST_CASE("thousands of connections come in many datagrams") {
    const auto endpoint = tests::free_endpoint();
    const auto listener = tests::listening({.endpoint = endpoint, .backlog = 4'096});
    std::vector<tests::Client> clients;
    constexpr std::size_t many = 400; // a datagram holds about 80
    while (clients.size() < many) clients.push_back(tests::connect_to(endpoint));
    CHECK(connections_of(listener).open.size() == many);
}

TEST_CASE("a path's connections: in the queue, accepted, after the name was taken away") {
    const tests::TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    auto listener = tests::listening({.endpoint = path});
    const auto clients = tests::connect_many(path, 3);
    CHECK(connections_of(listener).open.size() == 3);
    CHECK(accepted_in(connections_of(listener)) == 0);
    const auto worker = tests::accept_from(listener);
    CHECK(tests::send_text(clients.front().socket, "12345"));
    CHECK(listener.hide() == 0);
    const auto found = connections_of(listener);
    CHECK(found.open.size() == 3);
    CHECK(accepted_in(found) == 1);
    const auto connection = std::ranges::find_if(found.open, &Connection::accepted);
    CHECK(connection->unread == 5);
    CHECK(connection->inode == inode_of(worker));
    CHECK_FALSE(connection->since_received);
    CHECK(listener.shut() == 0);
    CHECK(connections_of(listener).open.size() == 3);
}

TEST_CASE("two listeners of one path have their own connections, also after the switch") {
    const tests::TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    const auto first = tests::listening({.endpoint = path});
    auto second = tests::joining({.endpoint = path});
    const auto clients = tests::connect_many(path, 2);
    REQUIRE(second.take_path() == 0);
    const auto later = tests::connect_many(path, 3);
    const auto worker = tests::accept_from(second);
    CHECK(connections_of(first).open.size() == 2);
    CHECK(connections_of(second).open.size() == 3);
    CHECK(accepted_in(connections_of(second)) == 1);
}

} // namespace sluice::net
