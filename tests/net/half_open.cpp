#include <doctest/doctest.h>
#include <unistd.h>

#include "client.h"
#include "init/net/address.h"
#include "init/net/diag.h"
#include "tests/integration/await.h"
#include "wire.h"

namespace sluice::net {

using tests::Wire;

namespace {

constexpr int cannot = 98; // this machine has no TUN device

// Runs in a forked child, in a network namespace of its own.
int run(int (*steps)()) {
    const int step = tests::in_child(steps, false);
    if (step != cannot) return step;
    MESSAGE("skipped: needs root and /dev/net/tun");
    return 0;
}

int half_open(const Listener& listener, std::chrono::milliseconds hidden_for = {}) {
    const auto found = connections(listener, hidden_for);
    return found ? found->half_open : -1;
}

int survives_hiding() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    auto made = listen({.endpoint = Wire::server()});
    auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return 1;
    wire->send_syn(5'001);
    const auto sequence = wire->syn_ack(5'001);
    if (!sequence) return 2;
    if (half_open(*listener) != 1) return 3;
    if (!listener->queue_empty()) return 4; // an empty queue is not yet a finished drain

    if (listener->hide() != 0) return 5;
    wire->send_syn(5'002);
    if (!wire->reset(5'002)) return 6;
    if (half_open(*listener) != 1) return 7;

    wire->send_ack(5'001, *sequence);
    if (!tests::eventually([&] { return !listener->queue_empty(); })) return 8;
    if (half_open(*listener) != 0) return 9;
    return tests::accept_from(*listener) ? 0 : 10;
}

int stays_with_the_old_one() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    const Wanted wanted{.endpoint = Wire::server()};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 1;
    wire->send_syn(5'001);
    const auto sequence = wire->syn_ack(5'001);
    if (!sequence || address->join(wanted) || address->switch_over()) return 2;
    if (address->old()->hide() != 0) return 3;
    const auto hidden = std::chrono::steady_clock::now();
    const auto hidden_for = [&] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - hidden);
    };
    wire->send_ack(5'001, *sequence);
    if (!tests::eventually([&] { return address->old()->queued() == 1; })) return 4;
    if (address->live().queued() != 0) return 5;

    // A handshake of the new one counts for the address, not for the old one.
    if (!tests::eventually([&] { return hidden_for() > std::chrono::milliseconds(100); })) return 6;
    wire->send_syn(5'002);
    const auto of_new = wire->syn_ack(5'002);
    if (!of_new || half_open(address->live()) != 1) return 7;
    if (half_open(*address->old(), hidden_for()) != 0) return 8;
    wire->send_ack(5'002, *of_new);
    if (!tests::eventually([&] { return address->live().queued() == 1; })) return 9;
    return address->old()->queued() == 1 ? 0 : 10;
}

int survives_holding_off() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    auto made = Address::open({.endpoint = Wire::server()});
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 1;
    wire->send_syn(5'001);
    const auto sequence = wire->syn_ack(5'001);
    if (!sequence || address->hold_off() != 0) return 2;
    // Also a client whose packets come with a TTL of 255: the queue is full by now.
    wire->send_syn(5'002);
    wire->send_syn(5'003, 255);
    if (wire->syn_ack(5'002) || wire->syn_ack(5'003)) return 3;
    wire->send_ack(5'001, *sequence);
    if (!tests::eventually([&] { return !address->live().queue_empty(); })) return 4;
    return tests::accept_from(address->live()) ? 0 : 5;
}

// The client's last packet meets a full queue and is forgotten, while the client takes itself for
// connected: its next packet, the request sent again, makes it so.
int survives_a_full_queue() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    auto made = listen({.endpoint = Wire::server(), .backlog = 2}); // takes three
    auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return 1;
    const auto clients = tests::connect_many(Wire::server(), 2);
    wire->send_syn(5'001);
    wire->send_syn(5'002);
    const auto first = wire->syn_ack(5'001);
    const auto second = wire->syn_ack(5'002);
    if (!first || !second) return 2;
    wire->send_ack(5'001, *first);
    if (!tests::eventually([&] { return listener->queued() == 3; })) return 3;
    wire->send_ack(5'002, *second);
    if (listener->hide() != 0) return 4;
    if (half_open(*listener) != 1) return 5;
    if (tests::accept_all(*listener) != 3) return 6;
    if (half_open(*listener) != 1) return 7;
    wire->send_ack(5'002, *second);
    if (!tests::eventually([&] { return listener->queued() == 1; })) return 8;
    return half_open(*listener) == 0 ? 0 : 9;
}

// With more handshakes than the backlog (0 here) the kernel keeps nothing but a cookie in its
// SYN-ACK: the last packet looks for a visible listener then.
int cookies_go_to_the_visible() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    const Wanted wanted{.endpoint = Wire::server(), .backlog = 0};
    auto made = Address::open(wanted);
    auto* const address = std::get_if<Address>(&made);
    if (address == nullptr) return 1;
    wire->send_syn(5'000); // fills the backlog, at least with newer kernels
    wire->send_syn(5'001);
    const auto first = wire->syn_ack(5'001);
    if (!first || half_open(address->live()) > 1) return 2;
    if (address->join(wanted) || address->switch_over()) return 3;
    if (address->old()->hide() != 0) return 4;
    wire->send_ack(5'001, *first);
    if (!tests::eventually([&] { return address->live().queued() == 1; })) return 5;
    if (!tests::accept_from(address->live())) return 6;

    wire->send_syn(5'003);
    wire->send_syn(5'002);
    const auto second = wire->syn_ack(5'002);
    if (!second || address->hide() != 0) return 7;
    wire->send_ack(5'002, *second);
    return wire->reset(5'002) ? 0 : 8;
}

int is_forgotten_when_dead() {
    const auto wire = Wire::make();
    if (!wire) return cannot;
    const auto made = listen({.endpoint = Wire::server()});
    const auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return 1;
    wire->send_syn(5'001);
    if (!wire->syn_ack(5'001) || half_open(*listener) != 1) return 2;
    const auto began = std::chrono::steady_clock::now();
    if (!tests::eventually([&] { return half_open(*listener) == 0; })) return 3;
    if (connections(*listener)->half_open_old != 1) return 5;
    // The SYN-ACK was sent again after 1 s, and a second time 2 s later.
    const auto took = std::chrono::steady_clock::now() - began;
    return took > std::chrono::milliseconds(2'500) ? 0 : 4;
}

} // namespace

TEST_CASE("a handshake that has begun survives hiding, while a new one is reset") {
    CHECK(run(survives_hiding) == 0);
}

TEST_CASE("a handshake that has begun stays with the old listener at a switch") {
    CHECK(run(stays_with_the_old_one) == 0);
}

TEST_CASE("a handshake that has begun survives holding off") {
    CHECK(run(survives_holding_off) == 0);
}

TEST_CASE("a handshake that was done while the queue was full survives hiding") {
    CHECK(run(survives_a_full_queue) == 0);
}

TEST_CASE("a handshake by SYN cookie goes to the new listener, and is lost at a stop") {
    CHECK(run(cookies_go_to_the_visible) == 0);
}

TEST_CASE("a handshake whose client is dead counts for three seconds only") {
    CHECK(run(is_forgotten_when_dead) == 0);
}

} // namespace sluice::net
