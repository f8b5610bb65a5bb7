#include "init/net/listener.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "client.h"
#include "tests/integration/temp_folder.h"

namespace sluice::net {

using tests::Met;
using tests::TempFolder;

namespace {

Refused refusal_of(const Wanted& wanted) {
    auto made = listen(wanted);
    REQUIRE(std::holds_alternative<Refused>(made));
    return std::get<Refused>(std::move(made));
}

// Somebody who is not sluice, on the same address.
os::Descriptor somebody_on(const Endpoint& endpoint, bool reuse_port, int type = SOCK_STREAM) {
    const auto* const tcp = std::get_if<TcpEndpoint>(&endpoint);
    os::Descriptor socket(::socket(tcp != nullptr ? tcp->family : AF_UNIX, type, 0));
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (reuse_port) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    const auto address = socket_address(endpoint);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                   address.size) == 0);
    if (type == SOCK_STREAM) REQUIRE(::listen(socket.get(), 5) == 0);
    return socket;
}

bool says(const Refused& refused, const std::string& text) {
    INFO(refused.why);
    return refused.why.find(text) != std::string::npos;
}

struct stat status_of(const std::string& path) {
    struct stat status {};

    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status;
}

} // namespace

TEST_CASE("a TCP listener listens, blocks, is close-on-exec and has a high number") {
    const auto listener = tests::listening({.endpoint = tests::free_endpoint()});
    CHECK(listener.descriptor() >= 20);
    CHECK((::fcntl(listener.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(listener.descriptor(), F_GETFL) & O_NONBLOCK) == 0);
    CHECK(listener.queue_empty());
    CHECK(listener.queued() == 0);
    CHECK(listener.reached_at() == listener.endpoint());

    const auto clients = tests::connect_many(listener.endpoint(), 3);
    CHECK_FALSE(listener.queue_empty());
    CHECK(listener.queued() == 3);
    CHECK(tests::accept_all(listener) == 3);
    CHECK(listener.queue_empty());
}

TEST_CASE("a port that somebody else has is refused, with SO_REUSEPORT or without") {
    for (const bool reuse_port : {false, true}) {
        const auto endpoint = tests::free_endpoint();
        const auto other = somebody_on(endpoint, reuse_port);
        const auto refused = refusal_of({.endpoint = endpoint});
        CHECK(refused.error == EADDRINUSE);
        CHECK(says(refused, to_string(endpoint)));
        CHECK(says(refused, "already listens"));
        // Another address of the same port overlaps with all of them.
        CHECK(
            refusal_of({.endpoint = TcpEndpoint{.family = AF_INET, .port = endpoint.port}}).error ==
            EADDRINUSE);
    }
}

TEST_CASE("an address is free again at once, with old connections still about") {
    const auto endpoint = tests::free_endpoint();
    const auto clients = [&] {
        const auto first = tests::listening({.endpoint = endpoint});
        auto connected = tests::connect_many(endpoint, 2);
        CHECK(tests::accept_all(first) == 2); // closed by our side: TIME_WAIT or FIN_WAIT here
        return connected;
    }();
    CHECK(tests::connect_to(endpoint).met == Met::refused);
    const auto second = tests::listening({.endpoint = endpoint});
    CHECK(tests::connect_to(endpoint).met == Met::connected);
}

TEST_CASE("what cannot be listened on is said with what to do") {
    const auto nowhere =
        refusal_of({.endpoint = TcpEndpoint{.family = AF_INET, .host = {192, 0, 2, 1}, .port = 9}});
    CHECK(nowhere.error == EADDRNOTAVAIL);
    CHECK(says(nowhere, "Listen on 0.0.0.0:9"));

    const auto no_folder = refusal_of({.endpoint = PathEndpoint{"/nowhere/at/all/x.sock"}});
    CHECK(no_folder.error == ENOENT);
    CHECK(says(no_folder, "/nowhere/at/all does not exist"));

    const auto too_long = refusal_of({.endpoint = PathEndpoint{"/" + std::string(107, 'x')}});
    CHECK(too_long.error == ENAMETOOLONG);
    CHECK(says(too_long, "108 bytes"));
    CHECK(says(too_long, "107"));
}

TEST_CASE("as uid 33: reserved ports, folders and owners that it may not have") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root to become uid 33");
        return;
    }
    CHECK(tests::in_child(
              [] {
                  const TempFolder folder; // uid 33's own
                  const auto is = [](const Wanted& wanted, int error, const char* text) {
                      auto made = listen(wanted);
                      const auto* const refused = std::get_if<Refused>(&made);
                      return refused != nullptr && refused->error == error &&
                             refused->why.find(text) != std::string::npos;
                  };
                  const PathEndpoint path{folder.path("s.sock")};
                  const PathEndpoint in_root{"/sluice-net-test.sock"};
                  if (!is({.endpoint = TcpEndpoint{.family = AF_INET, .port = 7}}, EACCES,
                          "1024 or above")) {
                      return 1;
                  }
                  if (!is({.endpoint = in_root}, EACCES, "may not write in /.")) return 2;
                  if (!is({.endpoint = path, .owner = 0}, EPERM, "listen.owner")) return 3;
                  if (folder.has("s.sock")) return 4;
                  return std::holds_alternative<Listener>(listen({.endpoint = path, .owner = 33}))
                             ? 0
                             : 5;
              },
              true) == 0);
}

TEST_CASE("a path gets its mode and owner, and is gone at the end") {
    const TempFolder folder;
    const auto path = folder.path("fpm.sock");
    {
        const auto listener = tests::listening({.endpoint = PathEndpoint{path}});
        CHECK(listener.descriptor() >= 20);
        CHECK((::fcntl(listener.descriptor(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((status_of(path).st_mode & 07777) == 0660);
        CHECK(listener.queued() == 0);
        const auto clients = tests::connect_many(PathEndpoint{path}, 3);
        CHECK_FALSE(listener.queue_empty());
        CHECK(listener.queued() == 3);
        CHECK(tests::accept_all(listener) == 3);
    }
    CHECK_FALSE(folder.has("fpm.sock"));
    if (::geteuid() == 0) {
        const auto listener = tests::listening(
            {.endpoint = PathEndpoint{path}, .owner = 33, .group = 34, .mode = 0606});
        CHECK(status_of(path).st_uid == 33);
        CHECK(status_of(path).st_gid == 34);
        CHECK((status_of(path).st_mode & 07777) == 0606);
    } else {
        MESSAGE("owner not tried: needs root");
    }
}

TEST_CASE("a stale socket is replaced, a live one and anything else is not") {
    const TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    somebody_on(path, false); // closed at once: only the name stays
    REQUIRE(folder.has("fpm.sock"));
    CHECK_NOTHROW(tests::listening({.endpoint = path}));

    {
        const auto other = somebody_on(path, false);
        const auto refused = refusal_of({.endpoint = path});
        CHECK(refused.error == EADDRINUSE);
        CHECK(says(refused, path.path));
        // Somebody with a full queue listens, too, and must not make us wait.
        std::vector<tests::Client> clients;
        do clients.push_back(tests::connect_to(path));
        while (clients.back().met == Met::connected);
        CHECK(refusal_of({.endpoint = path}).error == EADDRINUSE);
        CHECK(folder.has("fpm.sock"));
    }
    std::filesystem::remove(path.path);
    {
        const auto datagrams = somebody_on(path, false, SOCK_DGRAM);
        CHECK(refusal_of({.endpoint = path}).error == EEXIST);
    }
    std::filesystem::remove(path.path);
    folder.write("fpm.sock", "a file");
    CHECK(refusal_of({.endpoint = path}).error == EEXIST);
    CHECK(tests::read_file(path.path) == "a file");
    std::filesystem::remove(path.path);
    std::filesystem::create_symlink("elsewhere", path.path);
    CHECK(refusal_of({.endpoint = path}).error == EEXIST);
}

TEST_CASE("a path that is somebody else's by now is left alone") {
    const TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    os::Descriptor other;
    {
        auto listener = tests::listening({.endpoint = path});
        CHECK(listener.has_path());
        std::filesystem::remove(path.path);
        CHECK_FALSE(listener.has_path());
        other = somebody_on(path, false);
        CHECK_FALSE(listener.has_path());
        CHECK(listener.hide() == 0);
        CHECK(folder.has("fpm.sock"));
    }
    CHECK(folder.has("fpm.sock"));
    CHECK(tests::connect_to(path).met == Met::connected);
}

TEST_CASE("a listener that was moved from leaves everything to the other") {
    const TempFolder folder;
    const PathEndpoint path{folder.path("fpm.sock")};
    auto first = tests::listening({.endpoint = path});
    {
        auto second = std::move(first);
        CHECK(tests::connect_to(path).met == Met::connected);
        auto third = tests::listening({.endpoint = PathEndpoint{folder.path("other.sock")}});
        third = std::move(second);
        CHECK(third.endpoint() == Endpoint(path));
        CHECK(tests::connect_to(path).met == Met::connected);
    }
    CHECK_FALSE(folder.has("fpm.sock"));
}

TEST_CASE("what the kernel takes for a part of an address overlaps it, and nothing else does") {
    const auto v4 = tests::free_endpoint();
    const auto all_v4 = TcpEndpoint{.family = AF_INET, .port = v4.port};
    const auto v6 = tests::loopback(AF_INET6, v4.port);
    const auto all = TcpEndpoint{.family = AF_INET6, .port = v4.port};
    auto other = v4;
    other.host[3] = 2;
    auto elsewhere = all;
    ++elsewhere.port;
    const auto both = [](const Wanted& one, const Wanted& two) {
        CHECK(overlap(one, two) == overlap(two, one));
        return overlap(one, two);
    };
    CHECK(both({.endpoint = all}, {.endpoint = v4}));
    CHECK(both({.endpoint = all}, {.endpoint = all_v4}));
    CHECK(both({.endpoint = all}, {.endpoint = v6}));
    CHECK(both({.endpoint = all_v4}, {.endpoint = v4}));
    CHECK_FALSE(both({.endpoint = all, .v6only = true}, {.endpoint = all_v4}));
    CHECK_FALSE(both({.endpoint = all_v4}, {.endpoint = v6}));
    CHECK_FALSE(both({.endpoint = v6}, {.endpoint = v4}));
    CHECK_FALSE(both({.endpoint = v4}, {.endpoint = other}));
    CHECK_FALSE(both({.endpoint = elsewhere}, {.endpoint = v4}));
    CHECK_FALSE(both({.endpoint = all}, {.endpoint = PathEndpoint{"/run/a.sock"}}));
    // As the kernel has it.
    const auto first = tests::listening({.endpoint = v4});
    const auto refused = listen({.endpoint = all_v4});
    REQUIRE(std::holds_alternative<Refused>(refused));
    CHECK(std::get<Refused>(refused).error == EADDRINUSE);
}

} // namespace sluice::net
