#include <doctest/doctest.h>
#include <unistd.h>

#include "client.h"
#include "init/net/listener.h"
#include "tests/integration/temp_folder.h"

namespace sluice::net {

using tests::Met;

namespace {

// Returns the step that went wrong: it also runs in a child that has no doctest.
int hide_keeps_the_queue(const TcpEndpoint& listened, const TcpEndpoint& asked) {
    auto made = listen({.endpoint = listened});
    auto* const listener = std::get_if<Listener>(&made);
    if (listener == nullptr) return 1;
    std::vector<tests::Client> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(tests::connect_to(asked));
    if (listener->queued() != 5) return 2;
    if (listener->hide() != 0 || !listener->hidden()) return 3;
    if (listener->hide() != 0) return 4; // a second time changes nothing
    for (int i = 0; i < 20; ++i) {
        if (tests::connect_to(asked).met != Met::refused) return 5;
    }
    if (listener->queued() != 5 || listener->queue_empty()) return 6;
    for (const auto& client : clients) {
        const auto accepted = tests::accept_from(*listener);
        std::array<char, 8> text{};
        if (!accepted || !tests::send_text(client.socket, "request")) return 7;
        if (::read(accepted.get(), text.data(), text.size()) != 7) return 8;
    }
    if (!listener->queue_empty() || listener->queued() != 0) return 9;
    if (listener->shut() != 0) return 10;
    return tests::connect_to(asked).met == Met::refused ? 0 : 11;
}

int hide_in_all_families() {
    const auto ipv4 = tests::free_endpoint();
    if (const int step = hide_keeps_the_queue(ipv4, ipv4)) return step;
    const auto ipv6 = tests::free_endpoint(AF_INET6, false);
    if (const int step = hide_keeps_the_queue(ipv6, ipv6)) return 20 + step;
    const auto both = tests::free_endpoint(AF_INET6, true);
    const int step = hide_keeps_the_queue(both, tests::loopback(AF_INET, both.port));
    return step == 0 ? 0 : 40 + step;
}

} // namespace

TEST_CASE("hidden: new connections are refused at once, the queue is still served") {
    CHECK(hide_in_all_families() == 0);
}

TEST_CASE("hidden by uid 33 without capabilities") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root to become uid 33");
        return;
    }
    CHECK(tests::in_child(hide_in_all_families, true) == 0);
}

TEST_CASE("a hidden path is gone, its queue is still served, also after SHUT_RD") {
    const tests::TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    auto listener = tests::listening({.endpoint = path});
    const auto clients = tests::connect_many(path, 3);
    CHECK(listener.hide() == 0);
    CHECK(tests::connect_to(path).met == Met::absent);
    CHECK(listener.hide() == 0);
    CHECK(listener.queued() == 3);
    CHECK(tests::accept_from(listener));
    CHECK(listener.shut() == 0);
    CHECK(listener.queued() == 2);
    CHECK_FALSE(listener.queue_empty());
    CHECK(os::Descriptor(::accept(listener.descriptor(), nullptr, nullptr)));
    CHECK(tests::accept_from(listener));
    CHECK(listener.queue_empty());
}

} // namespace sluice::net
