#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "init/fpm/listen_address.h"

using namespace sluice;
using fpm::interpret_listen;
using fpm::Ipv6;
using fpm::Target;

namespace {

// What a container of Docker's has.
const std::string hosts = "127.0.0.1\tlocalhost # its own\n"
                          "::1\tlocalhost ip6-localhost\n"
                          "# 10.0.0.1 commented\n"
                          "172.17.0.2 web Web.example\r\n"
                          "172.17.0.2 web\n"
                          "10.0.0.5 several\n10.0.0.6 several\n"
                          "::1 three\n127.0.0.1 three\n127.0.0.2 three\n"
                          "127.1 short\nnonsense short\n10.0.0.9\n\n"
                          "10.0.0.7 last";

// The key, or "no: " and the reason.
std::string key(const std::string& listen, Ipv6 ipv6 = {}, const std::string& etc_hosts = hosts) {
    const auto result = interpret_listen(listen, etc_hosts, ipv6);
    if (const auto* const reason = std::get_if<std::string>(&result)) return "no: " + *reason;
    return std::get<Target>(result).key;
}

bool refused(const std::string& listen) {
    return key(listen).starts_with("no: ");
}

net::TcpEndpoint v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {AF_INET, {a, b, c, d}, 9000};
}

} // namespace

TEST_CASE("the keys are those that PHP-FPM 8.2 took over") {
    CHECK(key("9000") == ":::9000");
    CHECK(key("9000", {.any = false}) == "0.0.0.0:9000");
    CHECK(key("09000") == ":::9000");
    CHECK(key("127.0.0.1:9000") == "127.0.0.1:9000");
    CHECK(key("127.0.0.1:09000") == "127.0.0.1:9000");
    CHECK(key("0.0.0.0:9000") == "0.0.0.0:9000");
    CHECK(key("[127.0.0.1]:9000") == "127.0.0.1:9000");
    CHECK(key("[::]:9000") == ":::9000");
    CHECK(key("[::]:9000", {.any = false}) == ":::9000");
    CHECK(key("[::1]:9000") == "::1:9000");
    CHECK(key("::1:9000") == "::1:9000");
    CHECK(key("[0:0:0:0:0:0:0:1]:9000") == "::1:9000");
    CHECK(key("[::ffff:127.0.0.1]:9000") == "::ffff:127.0.0.1:9000");
    CHECK(key("/run/php/php8.2-fpm.sock") == "/run/php/php8.2-fpm.sock");
}

TEST_CASE("the endpoint is what is to be bound") {
    const auto at = [](const std::string& listen) {
        return std::get<Target>(interpret_listen(listen, hosts, {})).endpoint;
    };
    CHECK(at("127.0.0.1:9000") == net::Endpoint(v4(127, 0, 0, 1)));
    CHECK(at("9000") == net::Endpoint(net::TcpEndpoint{AF_INET6, {}, 9000}));
    net::TcpEndpoint loopback{AF_INET6, {}, 9000};
    loopback.host[15] = 1;
    CHECK(at("[::1]:9000") == net::Endpoint(loopback));
    CHECK(at("/run/a.sock") == net::Endpoint(net::PathEndpoint{"/run/a.sock"}));
}

TEST_CASE("a name is looked up in /etc/hosts, whatever its case") {
    CHECK(key("web:9000") == "172.17.0.2:9000");
    CHECK(key("WEB.EXAMPLE:9000") == "172.17.0.2:9000");
    CHECK(key("ip6-localhost:9000") == "::1:9000");
    CHECK(key("last:1") == "10.0.0.7:1");
}

TEST_CASE("of the two loopback addresses FPM takes ::1, where there is IPv6") {
    CHECK(key("localhost:9000") == "::1:9000");
    CHECK(key("localhost:9000", {.loopback = false}) == "127.0.0.1:9000");
    CHECK(key("localhost:9000", {}, "127.0.0.1 localhost\n") == "127.0.0.1:9000");
}

TEST_CASE("a name whose address is not known beforehand is left to FPM") {
    CHECK(key("nosuch:9000") == "no: the host \"nosuch\" is neither an address nor in /etc/hosts; "
                                "write its address, or 0.0.0.0");
    CHECK(key("several:9000") == "no: the host \"several\" has several addresses in /etc/hosts; "
                                 "write the one that is meant");
    CHECK(key("*:9000").starts_with("no: \"*\" is not every address to PHP-FPM"));
    for (const auto* const listen :
         {"three:9000", "short:9000", "commented:9000", "10.0.0.9 :9000", "web.:9000", "127.1:9000",
          "010.0.0.1:9000", "[fe80::1%eth0]:9000", "[:9000", "]:9000", "#:9000"}) {
        CAPTURE(listen);
        CHECK(refused(listen));
    }
}

TEST_CASE("what is no port is refused, as FPM refuses it") {
    CHECK(key("99999") == "no: \"99999\" is not a port; there are 1 to 65535");
    for (const auto* const listen :
         {"0", "127.0.0.1:0", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:http", "127.0.0.1:9000x",
          "127.0.0.1:+9000", "127.0.0.1: 9000", "127.0.0.1:-1", ":9000", ":", "[]:9000",
          "18446744073709551617", "/run/a:b.sock", ""}) {
        CAPTURE(listen);
        CHECK(refused(listen));
    }
}

TEST_CASE("a path has to be one that FPM_SOCKETS can name") {
    CHECK(refused("run/a.sock"));
    CHECK(refused("/run/a,b.sock"));
    CHECK(refused("/run/a=b.sock"));
    CHECK(refused(std::string("/run/a\0b", 8)));
    CHECK(refused(std::string("127.0.0.1\0x:9000", 16)));
    CHECK_FALSE(refused("/" + std::string(106, 'a')));
    CHECK(refused("/" + std::string(107, 'a')));
}
