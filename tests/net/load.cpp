#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <new>

#include "client.h"
#include "init/net/address.h"
#include "init/net/diag.h"
#include "tests/integration/await.h"
#include "tests/integration/temp_folder.h"

// Switches, rollbacks and a stop while clients connect without a pause, each from a process of its
// own.

namespace sluice::net {

namespace {

using Clock = std::chrono::steady_clock;

/// What the clients met, in memory that all processes share.
struct Tally {
    std::atomic<int> answered;
    std::atomic<int> refused; // a client ends with it
    std::atomic<int> lost;    // connected, and no answer
    std::atomic<int> late;    // TCP: the SYN was sent again, for nobody answered it
};

class SharedTally {
  public:
    SharedTally()
        : page_(::mmap(nullptr, sizeof(Tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)) {
        REQUIRE(page_ != MAP_FAILED);
        tally_ = new (page_) Tally{};
    }

    ~SharedTally() { ::munmap(page_, sizeof(Tally)); }

    SharedTally(const SharedTally&) = delete;
    SharedTally& operator=(const SharedTally&) = delete;

    Tally* operator->() const { return tally_; }

  private:
    void* page_;
    Tally* tally_;
};

bool syn_sent_again(const os::Descriptor& connected) {
    tcp_info info{};
    socklen_t size = sizeof info;
    return ::getsockopt(connected.get(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_total_retrans > 0;
}

// One client's life: connect, wait for one byte, again, until it is refused.
[[noreturn]] void be_a_client(const Endpoint& endpoint, const SharedTally& tally) {
    const auto address = socket_address(endpoint);
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address.storage);
    for (;;) {
        const os::Descriptor socket(::socket(plain->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(socket.get(), plain, address.size) != 0) {
            ++(errno == ECONNREFUSED || errno == ENOENT ? tally->refused : tally->lost);
            ::_exit(0);
        }
        if (syn_sent_again(socket)) ++tally->late;
        char answer = 0;
        ++(::read(socket.get(), &answer, 1) == 1 ? tally->answered : tally->lost);
    }
}

int answer_all(const Listener& listener) {
    int answered = 0;
    while (const auto connection = tests::accept_from(listener)) {
        tests::send_text(connection, "a");
        ++answered;
    }
    return answered;
}

// The end of a drain: no handshake, and then no connection in the queue.
bool emptied(const Listener& listener, Clock::time_point closed) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - closed);
    answer_all(listener);
    const auto found = connections(listener, since);
    REQUIRE(found);
    return found->half_open == 0 && listener.queue_empty();
}

void must(const std::optional<Refused>& refused) {
    if (refused) FAIL(refused->why);
}

void serve_some(Address& address, const SharedTally& tally, int more) {
    const int until = tally->answered + more;
    CHECK(tests::eventually([&] {
        answer_all(address.live());
        if (address.old() != nullptr) answer_all(*address.old());
        return tally->answered >= until;
    }));
}

void one_switch(Address& address, const Wanted& wanted, const SharedTally& tally) {
    constexpr int some = 20;
    must(address.join(wanted));
    serve_some(address, tally, some);
    CHECK(address.next()->queue_empty()); // users go to the live one alone
    must(address.switch_over());
    if (address.by_path()) CHECK(address.old()->hide() == 0);
    const auto switched = Clock::now();
    serve_some(address, tally, some / 4);
    CHECK(tests::eventually([&] {
        answer_all(address.live());
        return emptied(*address.old(), switched);
    }));
    address.leave();
    serve_some(address, tally, some);
}

void one_rollback(Address& address, const Wanted& wanted, const SharedTally& tally) {
    constexpr int few = 4;
    must(address.join(wanted));
    serve_some(address, tally, few);
    address.give_up();
    serve_some(address, tally, few);
}

int number_of_rounds() {
    const char* const text = std::getenv("SWITCH_ROUNDS"); // NOLINT(concurrency-mt-unsafe)
    return text == nullptr ? 50 : static_cast<int>(std::strtol(text, nullptr, 10));
}

void switch_and_stop(const Wanted& wanted) {
    constexpr int clients = 3;
    const int rounds = number_of_rounds();
    auto made = Address::open(wanted);
    REQUIRE(std::holds_alternative<Address>(made));
    auto& address = std::get<Address>(made);
    const SharedTally tally;
    std::vector<pid_t> children;
    for (int i = 0; i < clients; ++i) {
        children.push_back(::fork());
        if (children.back() == 0) be_a_client(wanted.endpoint, tally);
    }
    for (int i = 0; i < rounds; ++i) one_switch(address, wanted, tally);
    for (int i = 0; i < 4 * rounds; ++i) one_rollback(address, wanted, tally);
    CHECK(tally->refused == 0);

    CHECK(address.hide() == 0);
    const auto hidden = Clock::now();
    CHECK(tests::eventually(
        [&] { return emptied(address.live(), hidden) && tally->refused == clients; }));
    address.shut();
    for (const pid_t child : children) ::waitpid(child, nullptr, 0);
    MESSAGE(tally->answered.load() << " answered");
    CHECK(tally->lost == 0);
    CHECK(tally->late == 0);
    CHECK(tally->refused == clients);
}

} // namespace

// SWITCH_ROUNDS=2000 for more of them.
TEST_CASE("50 switches, 200 rollbacks and a stop under load: nothing lost, refused or late") {
    SUBCASE("IPv4") {
        switch_and_stop({.endpoint = tests::free_endpoint()});
    }
    SUBCASE("IPv6") { // whose listeners the kernel looks through in the opposite order
        switch_and_stop({.endpoint = tests::free_endpoint(AF_INET6, true), .v6only = false});
    }
    SUBCASE("a path") {
        const tests::TempFolder folder;
        switch_and_stop({.endpoint = PathEndpoint{folder.path("fpm.sock")}});
    }
}

} // namespace sluice::net
