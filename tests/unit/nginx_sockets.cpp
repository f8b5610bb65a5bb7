#include "init/nginx/sockets.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace sluice::nginx {

namespace {

using Words = std::vector<std::string>;

Sockets sockets_of(std::vector<Listen> listens, const std::string& hosts = {}) {
    Configuration configuration;
    configuration.listens = std::move(listens);
    return plan_sockets(configuration, {.hosts = hosts});
}

Words endpoints(const Sockets& sockets) {
    Words found;
    for (const auto& wanted : sockets.listeners) found.push_back(net::to_string(wanted.endpoint));
    return found;
}

bool noticed(const Sockets& sockets, const std::string& part) {
    return std::ranges::any_of(
        sockets.notices, [&](const auto& text) { return text.find(part) != std::string::npos; });
}

} // namespace

TEST_CASE("every way to write an address") {
    CHECK(endpoints(sockets_of({{"80", {}}})) == Words{"0.0.0.0:80"});
    CHECK(endpoints(sockets_of({{"*:81", {}}})) == Words{"0.0.0.0:81"});
    CHECK(endpoints(sockets_of({{"127.0.0.1", {}}})) == Words{"127.0.0.1:80"});
    CHECK(endpoints(sockets_of({{"127.0.0.1:8080", {}}})) == Words{"127.0.0.1:8080"});
    CHECK(endpoints(sockets_of({{"[::1]:8080", {}}})) == Words{"[::1]:8080"});
    CHECK(endpoints(sockets_of({{"[::]", {}}})) == Words{"[::]:80"});
    CHECK(endpoints(sockets_of({{"unix:/run/x.sock", {}}})) == Words{"/run/x.sock"});
    CHECK(endpoints(sockets_of({{"8000-8002", {}}})) ==
          Words{"0.0.0.0:8000", "0.0.0.0:8001", "0.0.0.0:8002"});
}

TEST_CASE("a socket is made as nginx makes it") {
    const auto sockets =
        sockets_of({{"80", {}}, {"[::]:80", {"backlog=64"}}, {"unix:/run/x.sock", {}}});
    REQUIRE(sockets.listeners.size() == 3);
    CHECK(sockets.all);
    CHECK(sockets.notices.empty());
    CHECK(sockets.listeners[0].backlog == 511);
    CHECK_FALSE(sockets.listeners[0].v6only);
    CHECK(sockets.listeners[1].backlog == 64);
    CHECK(sockets.listeners[1].v6only == true);
    CHECK(sockets.listeners[2].mode == 0666);
    for (const auto& wanted : sockets.listeners) CHECK_FALSE(wanted.blocks);
    CHECK(sockets_of({{"[::]:80", {"ipv6only=off"}}}).listeners[0].v6only == false);
}

TEST_CASE("servers that share an address share a socket, with the options of any") {
    const auto sockets =
        sockets_of({{"80", {}}, {"*:80", {"backlog=9"}}, {"0.0.0.0:80", {"default_server"}}});
    REQUIRE(sockets.listeners.size() == 1);
    CHECK(sockets.listeners[0].backlog == 9);
}

TEST_CASE("beside a wildcard nginx binds no other address of the port, unless it is told to") {
    CHECK(endpoints(sockets_of({{"127.0.0.1:80", {}}, {"80", {}}})) == Words{"0.0.0.0:80"});
    CHECK(endpoints(sockets_of({{"127.0.0.1:81", {}}, {"80", {}}})) ==
          Words{"127.0.0.1:81", "0.0.0.0:80"});
    CHECK(endpoints(sockets_of({{"[::1]:80", {}}, {"80", {}}})) == Words{"[::1]:80", "0.0.0.0:80"});
    CHECK(endpoints(sockets_of({{"127.0.0.1:80", {"bind"}}, {"80", {}}})) ==
          Words{"127.0.0.1:80", "0.0.0.0:80"});
}

TEST_CASE("what cannot be owned is left to nginx, with the reason") {
    for (const auto& [listen, why] : std::vector<std::pair<Listen, std::string>>{
             {{"80", {"reuseport"}}, "each worker has a queue of its own"},
             {{"80", {"deferred"}}, "cannot be told from a handshake"},
             {{"53", {"udp"}}, "UDP has no connections"},
             {{"443", {"quic"}}, "UDP has no connections"},
             {{"80", {"setfib=1"}}, "sluice does not set setfib=1"},
             {{"unix:run/x.sock", {}}, "not an absolute one"},
             {{"unix:/" + std::string(200, 'x'), {}}, "not an absolute one"},
             {{"www.example.com:80", {}}, "neither an address nor in /etc/hosts"},
             {{"127.0.0.1:http", {}}, "no port"},
             {{"127.0.0.1:0", {}}, "no port"},
             {{"127.0.0.1:65536", {}}, "no port"},
             {{"90-80", {}}, "no port"},
             {{"[::1:80", {}}, "no address"},
         }) {
        CAPTURE(listen.address);
        const auto sockets = sockets_of({listen, {"81", {}}});
        CHECK(endpoints(sockets) == Words{"0.0.0.0:81"});
        CHECK_FALSE(sockets.all);
        CHECK(noticed(sockets, "listen " + listen.address + " is left to nginx"));
        CHECK(noticed(sockets, why));
    }
}

TEST_CASE("UDP and TCP are not in each other's way") {
    CHECK(endpoints(sockets_of({{"53", {"udp"}}, {"53", {}}, {"127.0.0.1:53", {}}})) ==
          Words{"0.0.0.0:53"});
    CHECK(endpoints(sockets_of({{"53", {"udp"}}, {"127.0.0.1:53", {}}})) == Words{"127.0.0.1:53"});
}

TEST_CASE("a host is looked up in /etc/hosts; of two families only IPv4 is certain") {
    const std::string hosts = "# none\n127.0.0.1 localhost\n::1 localhost ip6\n10.0.0.2 Web\n";
    CHECK(endpoints(sockets_of({{"web:81", {}}}, hosts)) == Words{"10.0.0.2:81"});
    CHECK(endpoints(sockets_of({{"ip6:81", {}}}, hosts)) == Words{"[::1]:81"});
    const auto both = sockets_of({{"localhost", {}}}, hosts);
    CHECK(endpoints(both) == Words{"127.0.0.1:80"});
    CHECK_FALSE(both.all);
    CHECK(noticed(both, "listen localhost (IPv6) is left to nginx"));
}

TEST_CASE("a server without a listen has the port that its user may bind") {
    Configuration bare;
    bare.bare_server = true;
    CHECK(endpoints(plan_sockets(bare, {.root = true})) == Words{"0.0.0.0:80"});
    CHECK(endpoints(plan_sockets(bare, {.root = false})) == Words{"0.0.0.0:8000"});
}

TEST_CASE("more sockets than anybody has are all left to nginx, with one notice") {
    const auto sockets = sockets_of({{"1-65535", {}}});
    CHECK(sockets.listeners.empty());
    CHECK_FALSE(sockets.all);
    CHECK(sockets.notices.size() == 1);
}

} // namespace sluice::nginx
