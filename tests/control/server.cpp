#include "init/control/server.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>

#include "init/control/reply.h"
#include "running.h"
#include "tests/integration/temp_folder.h"

// The server against clients that mean well and clients that do not.

namespace tests {

using namespace sluice::control;

namespace {

int count_descriptors() {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        static_cast<void>(entry);
        ++count;
    }
    return count;
}

std::optional<std::string> problem_at(const std::string& configured) {
    boost::asio::io_context loop(1);
    Server server(loop, answer);
    auto problem = server.open(configured);
    CHECK(server.address() == (problem || configured == "off" ? "none" : configured));
    return problem;
}

std::string ask(const std::string& address, const std::string& bytes) {
    const RawClient client(address);
    client.send(bytes);
    return client.read_all();
}

} // namespace

TEST_CASE("a path is for its owner alone, and goes with the server") {
    const TempFolder folder;
    const auto path = folder.path("s");
    {
        const Running running(path);
        CHECK(running.address() == path);

        struct stat status {};

        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
        CHECK(ask(path, "sluice/1 health\n") ==
              "{\"done\":true,\"ok\":true,\"text\":\"health taken\"}\n");
    }
    CHECK_FALSE(folder.has("s"));
}

TEST_CASE("a stale socket is replaced, a live one and anything else are not") {
    const TempFolder folder;
    const auto path = folder.path("s");
    const auto aside = folder.path("aside");
    {
        const Running gone(path);
        std::filesystem::rename(path, aside); // so that it stays when the server goes
    }
    REQUIRE(std::filesystem::is_socket(aside));
    {
        const Running replacing(aside);
        CHECK(contains(ask(aside, "sluice/1 health\n"), "health taken"));
        CHECK(contains(problem_at(aside).value_or(""), "another process already listens there"));
        CHECK(contains(ask(aside, "sluice/1 health\n"), "health taken"));
    }
    const auto file = folder.write("file", "text");
    CHECK(contains(problem_at(file).value_or(""), "something else"));
    CHECK(read_file(file) == "text");
    CHECK(contains(problem_at(folder.path("absent/s")).value_or(""), "does not exist"));
    CHECK(contains(problem_at("relative").value_or(""), "absolute path"));
    CHECK(contains(problem_at("").value_or(""), "absolute path"));
    CHECK(contains(problem_at("/" + std::string(110, 'x')).value_or(""), "shorter"));
    CHECK_FALSE(problem_at("off").has_value());
}

TEST_CASE("a path that somebody else has taken since is left to them") {
    const TempFolder folder;
    const auto path = folder.path("s");
    {
        const Running running(path);
        std::filesystem::remove(path);
        folder.write("s", "another's");
    }
    CHECK(read_file(path) == "another's");
}

TEST_CASE("an abstract name holds the PID namespace and the pid") {
    struct stat status {};

    REQUIRE(::stat("/proc/self/ns/pid", &status) == 0);
    const Running running("@");
    CHECK(running.address() ==
          "@sluice-" + std::to_string(status.st_ino) + "-" + std::to_string(::getpid()));
    CHECK(contains(ask(running.address(), "sluice/1 health\n"), "health taken"));
    CHECK(contains(problem_at("@").value_or(""), "has taken the name"));
}

TEST_CASE("what is no request is answered with a sentence and nothing else") {
    const TempFolder folder;
    const auto path = folder.path("s");
    std::atomic<int> asked = 0;
    const Running running(path, [&](Request request, const auto& session) {
        ++asked;
        answer(request, session);
    });
    std::string garbage;
    for (int byte = 0; byte < 256; ++byte) {
        if (byte != '\n') garbage += static_cast<char>(byte);
    }
    const std::map<std::string, std::string> expected{
        {"\n", "speaks sluice/1"},
        {garbage.substr(0, 100) + "\n", "speaks sluice/1"},
        {garbage, "256 bytes"}, // 255 bytes and one more
        {std::string(5, '\0') + "\n", "speaks sluice/1"},
        {"sluice/7 reload\n", "\\\"sluice/7\\\""},
        {"sluice/1 dance\n", "is none of"},
        {"sluice/1 stop\nsluice/1 stop\n", "one request"},
        {"sluice/1 stop\n\n", "one request"},
        {std::string(10'000'000, 'x'), "256 bytes"},
    };
    for (const auto& [bytes, why] : expected) {
        CAPTURE(bytes.substr(0, 40));
        const auto reply = ask(path, bytes.size() == 255 ? bytes + "x" : bytes);
        CHECK(reply.starts_with("{\"error\":\""));
        CHECK(reply.ends_with("\"}\n"));
        CHECK(contains(reply, why));
    }
    CHECK(asked == 0);
    CHECK(contains(ask(path, "sluice/1 stop\n"), "stop taken"));
    CHECK(asked == 1);
}

TEST_CASE("a request may come in pieces, and its sender may then be done with writing") {
    const TempFolder folder;
    const Running running(folder.path("s"));
    {
        const RawClient client(running.address());
        for (const char c : std::string("sluice/1 health\n")) CHECK(client.send(std::string(1, c)));
        ::shutdown(client.socket(), SHUT_WR);
        CHECK(contains(client.read_all(), "health taken"));
    }
    const RawClient half(running.address());
    CHECK(half.send("sluice/1 hea"));
    ::shutdown(half.socket(), SHUT_WR);
    CHECK(contains(half.read_all(), "ended before the request"));
}

TEST_CASE("a client that sends nothing, or half a line, is told so after 5 s") {
    const TempFolder folder;
    const Running running(folder.path("s"));
    const auto began = std::chrono::steady_clock::now();
    const RawClient silent(running.address());
    const RawClient half(running.address());
    CHECK(half.send("sluice/1 sta"));
    CHECK(contains(silent.read_all(), "no request came within 5 s"));
    CHECK(contains(half.read_all(), "no request came within 5 s"));
    const auto took = std::chrono::steady_clock::now() - began;
    CHECK(took > 4900ms);
    CHECK(took < 10s);
}

TEST_CASE("the 17th client is told so, and served once another has gone") {
    const TempFolder folder;
    Holding holding;
    const Running running(folder.path("s"), holding);
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 16; ++i) {
        clients.push_back(std::make_unique<RawClient>(running.address()));
        CHECK(clients.back()->send("sluice/1 reload wait\n"));
    }
    REQUIRE(eventually([&] { return holding.count() == 16; }));
    CHECK(contains(ask(running.address(), ""), "16 clients"));
    const auto told = sluice_client({"status", "--socket", running.address()});
    CHECK(told.status == 125);
    CHECK(contains(told.err, "16 clients"));
    clients.pop_back();
    REQUIRE(eventually([&] { return holding.closed(15); }));
    const RawClient next(running.address());
    CHECK(next.send("sluice/1 health\n"));
    CHECK(eventually([&] { return holding.count() == 17; }));
}

TEST_CASE("clients that do not read are dropped and hold nobody up") {
    const TempFolder folder;
    std::atomic<bool> too_much_dropped = false;
    Holding holding;
    const auto on_request = [&](Request request, const std::shared_ptr<Session>& session) {
        if (request == Request::status) {
            for (int i = 0; i < 10 && !session->closed(); ++i) {
                session->line(std::string(1'000'000, 'x'));
            }
            too_much_dropped = session->closed();
            session->line("nothing happens");
            session->end();
        } else if (request == Request::stop) {
            session->line(std::string(1'000'000, 'x'));
            holding.take()(request, session);
        } else {
            answer(request, session);
        }
    };
    const Running running(folder.path("s"), on_request, holding);
    const RawClient greedy(running.address());
    CHECK(greedy.send("sluice/1 status\n"));
    const RawClient asleep(running.address());
    CHECK(asleep.send("sluice/1 stop\n"));
    CHECK(contains(ask(running.address(), "sluice/1 health\n"), "health taken"));
    REQUIRE(eventually([&] { return too_much_dropped && holding.count() == 1; }));
    CHECK_FALSE(holding.closed(0));
    CHECK(eventually([&] { return holding.closed(0); }));
    CHECK(asleep.read_all().size() < 1'000'000);
}

TEST_CASE("a client that goes while it waits is noticed, and so is one that goes on talking") {
    const TempFolder folder;
    Holding holding;
    const Running running(folder.path("s"), holding);
    RawClient leaving(running.address());
    CHECK(leaving.send("sluice/1 reload wait\n"));
    const RawClient talking(running.address());
    CHECK(talking.send("sluice/1 reload wait\n"));
    REQUIRE(eventually([&] { return holding.count() == 2; }));
    leaving.close();
    CHECK(talking.send("more\n"));
    CHECK(
        eventually([&] { return holding.sessions[0]->closed() && holding.sessions[1]->closed(); }));
}

TEST_CASE("a session that is let go closes its connection; the server's end closes all") {
    const TempFolder folder;
    Holding holding;
    const auto on_request = [&](Request request, const std::shared_ptr<Session>& session) {
        if (request == Request::stop) holding.take()(request, session);
    };
    Running running(folder.path("s"), on_request, holding);
    const RawClient client(running.address());
    CHECK(client.send("sluice/1 status\n"));
    ::shutdown(client.socket(), SHUT_WR);
    CHECK(client.read_all().empty());
    const RawClient held(running.address());
    CHECK(held.send("sluice/1 stop\n"));
    REQUIRE(eventually([&] { return holding.count() == 1; }));
    running.close();
    CHECK_FALSE(folder.has("s"));
    CHECK(held.read_all().empty());
    holding.sessions[0]->line("too late");
    holding.sessions[0]->end();
    CHECK(holding.closed(0));
}

TEST_CASE("nothing is left open, whatever the clients did") {
    const TempFolder folder;
    const int before = count_descriptors();
    {
        const Running running(folder.path("s"));
        for (int i = 0; i < 200; ++i) {
            RawClient client(running.address());
            if (i % 4 == 1) CHECK(client.send("sluice/1 status\n"));
            if (i % 4 == 2) client.send(std::string(5'000, 'x'));
            if (i % 4 == 3) CHECK(contains(ask(running.address(), "sluice/1 stop\n"), "taken"));
            client.close();
        }
        // The loop's own and the listener stay: its two, epoll, timer and wake-up.
        CHECK(eventually([&] { return count_descriptors() <= before + 5; }));
        // A child would see what is not close-on-exec.
        const auto seen = run({"ls", "/proc/self/fd"});
        CHECK(seen.out == "0\n1\n2\n3\n");
    }
    CHECK(count_descriptors() == before);
}

TEST_CASE("no descriptor of the server is inherited") {
    const TempFolder folder;
    Holding holding;
    const Running running(folder.path("s"), holding);
    const RawClient client(running.address());
    CHECK(client.send("sluice/1 reload wait\n"));
    REQUIRE(eventually([&] { return holding.count() == 1; }));
    int sockets = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const auto name = entry.path().filename().string();
        std::ifstream info("/proc/self/fdinfo/" + name);
        std::string line;
        while (std::getline(info, line)) {
            if (!line.starts_with("flags:")) continue;
            std::error_code error;
            const auto target = std::filesystem::read_symlink(entry.path(), error).string();
            if (!target.starts_with("socket:")) continue;
            ++sockets;
            CAPTURE(name);
            CHECK((std::stoul(line.substr(6), nullptr, 8) & 02000000U) != 0);
        }
    }
    CHECK(sockets >= 3); // the listener, the session, the client
}

TEST_CASE("without a free descriptor it waits, does not spin, and serves afterwards") {
    const TempFolder folder;
    Running running(folder.path("s"));
    CHECK(contains(ask(running.address(), "sluice/1 health\n"), "health taken"));
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit low = before;
    low.rlim_cur = 60;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    std::vector<Descriptor> fillers;
    do {
        fillers.emplace_back(::dup(STDOUT_FILENO));
    } while (fillers.back().get() >= 0);
    fillers.resize(fillers.size() - 2); // one is free, for the client
    const RawClient client(running.address());
    CHECK(client.send("sluice/1 health\n"));
    const auto began = running.processor_time();
    const timespec moment{0, 500'000'000}; // what the loop does meanwhile is what is measured
    ::nanosleep(&moment, nullptr);
    CHECK(running.processor_time() - began < 50ms);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(contains(client.read_all(), "health taken"));
}

} // namespace tests
