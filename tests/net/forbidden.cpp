#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <optional>
#include <variant>

#include "client.h"
#include "init/net/address.h"
#include "init/net/diag.h"

// What happens where the kernel lacks a call: a seccomp filter in a forked child refuses it.

namespace sluice::net {

using tests::Met;

namespace {

constexpr std::uint32_t lower_half_of(std::size_t argument) {
    constexpr bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * 8 +
                                      (little ? 0 : 4));
}

// From now on this system call fails with ENOPROTOOPT if this argument has this value.
bool forbid(long call, std::size_t argument, std::uint32_t value) {
    const auto number = static_cast<std::uint32_t>(call);
    std::array<sock_filter, 6> program{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, number},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, lower_half_of(argument)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOPROTOOPT},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    sock_fprog filter{.len = program.size(), .filter = program.data()};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr std::uint32_t bind_to_interface = 62; // SO_BINDTOIFINDEX

bool forbid_option(std::uint32_t option) {
    return forbid(SYS_setsockopt, 2, option);
}

int no_hiding() {
    if (!forbid_option(bind_to_interface)) return 1;
    const Wanted wanted{.endpoint = tests::free_endpoint(AF_INET6, true)};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 2;
    // A switch does without: nobody is sent to the old one any more.
    if (address->join(wanted) || address->switch_over()) return 3;
    if (address->old()->hide() != ENOPROTOOPT || address->old()->hidden()) return 4;
    const auto& endpoint = std::get<TcpEndpoint>(wanted.endpoint);
    const auto asked = tests::loopback(AF_INET, endpoint.port);
    if (tests::connect_to(asked).met != Met::connected) return 5;
    if (address->live().queued() != 1 || address->old()->queued() != 0) return 6;
    address->leave();
    if (address->hide() != ENOPROTOOPT || address->hold_off() != 0) return 7;
    return tests::connect_to(asked).met == Met::silence ? 0 : 8;
}

int no_selector() {
    if (!forbid_option(SO_ATTACH_REUSEPORT_CBPF)) return 1;
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 2;
    const auto refused = address->join(wanted);
    if (!refused || refused->error != ENOPROTOOPT) return 3;
    if (refused->why.find("reload.strategy") == std::string::npos) return 4;
    if (!refused->no_selector) return 8;
    if (address->next() != nullptr) return 5;
    if (tests::connect_to(wanted.endpoint).met != Met::connected) return 6;
    return address->hide() == 0 ? 0 : 7;
}

// The switch itself, its way back, and what an index out of range leads to.
int selector_that_fails() {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr || address->join(wanted) || address->switch_over()) return 1;
    if (!forbid_option(SO_ATTACH_REUSEPORT_CBPF)) return 2;
    const int live = address->old()->descriptor();
    if (address->switch_back() || address->live().descriptor() != live) return 3;
    const auto clients = tests::connect_many(wanted.endpoint, 10);
    if (tests::accept_all(address->live()) != 10) return 4;
    address->give_up();
    return tests::connect_to(wanted.endpoint).met == Met::connected ? 0 : 5;
}

int neither() {
    if (!forbid_option(SO_ATTACH_REUSEPORT_CBPF) || !forbid_option(bind_to_interface)) return 1;
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 2;
    if (address->hide() == 0 || address->hold_off() == 0) return 3;
    return tests::connect_to(wanted.endpoint).met == Met::connected ? 0 : 4;
}

// Whether a user of this host can have the port.
bool can_be_had(const TcpEndpoint& end) {
    const os::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto address = socket_address(end);
    return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                  address.size) == 0;
}

int selector_that_cannot_be_told() {
    const Wanted wanted{.endpoint = tests::free_endpoint()};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr || address->join(wanted)) return 1;
    const auto way_in = *address->way_in();
    std::optional<std::variant<OwnConnection, int>> connection(way_in.connect());
    const auto* const own = std::get_if<OwnConnection>(&*connection);
    if (own == nullptr) return 2;
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ::getsockname(own->descriptor(), reinterpret_cast<sockaddr*>(&bound), &size);
    const auto end = tests::loopback(AF_INET, ntohs(bound.sin_port));

    if (!forbid_option(SO_ATTACH_REUSEPORT_CBPF)) return 3;
    connection.reset(); // the selector goes on sending its port to next()
    if (can_be_had(end)) return 4;
    const auto another = way_in.connect();
    const int* const error = std::get_if<int>(&another);
    if (error == nullptr || *error != ENOPROTOOPT) return 5;
    address->give_up(); // now there is no next()
    return can_be_had(end) ? 0 : 6;
}

int no_diag() {
    if (!forbid(SYS_socket, 0, AF_NETLINK)) return 1;
    auto made = listen({.endpoint = tests::free_endpoint()});
    const auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return 2;
    if (connections(*listener) || errno != ENOPROTOOPT) return 3;
    if (unix_queue(listener->descriptor())) return 4;
    return listener->queued() == 0 && listener->queue_empty() ? 0 : 5;
}

} // namespace

TEST_CASE("a kernel that hides no listener: a switch works, a stop holds clients off") {
    CHECK(tests::in_child(no_hiding, false) == 0);
}

TEST_CASE("a kernel without a selector: no second listener, and a sentence that says why") {
    CHECK(tests::in_child(no_selector, false) == 0);
}

TEST_CASE("a switch is undone even where the selector cannot be set any more") {
    CHECK(tests::in_child(selector_that_fails, false) == 0);
}

TEST_CASE("a port that the selector cannot be made to forget is kept until next() has gone") {
    CHECK(tests::in_child(selector_that_cannot_be_told, false) == 0);
}

TEST_CASE("a kernel without both: the intake stays open, and that is said") {
    CHECK(tests::in_child(neither, false) == 0);
}

TEST_CASE("a kernel without SOCK_DIAG: nothing is known, the queue still is") {
    CHECK(tests::in_child(no_diag, false) == 0);
}

} // namespace sluice::net
