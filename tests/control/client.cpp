#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "init/control/address.h"
#include "init/control/report_json.h"
#include "running.h"
#include "tests/integration/processes.h"
#include "tests/integration/pty.h"
#include "tests/integration/temp_folder.h"

// The real program as the client.

namespace tests {

using namespace sluice::control;

namespace {

// Listens and says `reply` to whoever comes, whatever they ask; empty: nothing, and holds on.
class Impostor {
  public:
    Impostor(const std::string& address, std::string reply)
        : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), reply_(std::move(reply)) {
        const auto made = unix_address(address);
        REQUIRE(made.has_value());
        const auto* const plain = reinterpret_cast<const sockaddr*>(&made->storage);
        REQUIRE(::bind(socket_.get(), plain, made->size) == 0);
        REQUIRE(::listen(socket_.get(), 4) == 0);
        thread_ = std::thread([this] {
            const Descriptor client(::accept(socket_.get(), nullptr, nullptr));
            ::send(client.get(), reply_.data(), reply_.size(), MSG_NOSIGNAL);
            char byte = 0;
            if (reply_.empty()) {
                while (::recv(client.get(), &byte, 1, 0) > 0) {
                }
            }
        });
    }

    ~Impostor() {
        ::shutdown(socket_.get(), SHUT_RDWR);
        thread_.join();
    }

    Impostor(const Impostor&) = delete;
    Impostor& operator=(const Impostor&) = delete;

  private:
    Descriptor socket_;
    std::string reply_;
    std::thread thread_;
};

std::string server_program() {
    return std::filesystem::canonical("/proc/self/exe");
}

} // namespace

TEST_CASE("each request, its answer and its exit status") {
    const TempFolder folder;
    const Running running(folder.path("s"));
    const auto ask = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--socket", running.address()});
        return sluice_client(words);
    };
    const auto status = ask({"status"});
    CAPTURE(status.err);
    CHECK(status.status == 0);
    CHECK(status.err.empty());
    CHECK(contains(status.out, "evil\\x1b[2J (php-fpm): running; sluice 9.9"));
    CHECK(contains(status.out, "workers: 8, 1 busy"));
    CHECK(contains(status.out, "GET /\\u009b"));
    const auto json = ask({"status", "--json"});
    CHECK(json.out == encode_report(some_report()) + "\n");
    CHECK(json.status == 0);

    const auto reload = ask({"reload", "--wait"});
    CHECK(reload.status == 1);
    CHECK(reload.out == "check: 12 ms, fine\n");
    CHECK(reload.err == "rolled back: \\x1b no answer\n");
    for (const auto& [words, out] :
         std::map<std::vector<std::string>, std::string>{{{"reload"}, "reload taken\n"},
                                                         {{"stop"}, "stop taken\n"},
                                                         {{"stop", "--now"}, "stop now taken\n"},
                                                         {{"health"}, "health taken\n"}}) {
        const auto result = ask(words);
        CHECK(result.status == 0);
        CHECK(result.out == out);
        CHECK(result.err.empty());
    }
}

TEST_CASE("on a terminal the step under way is shown, and is gone afterwards") {
    const TempFolder folder;
    const Running running(folder.path("s"));
    Terminal terminal({sluice_program(), "reload", "--wait", "--socket", running.address()},
                      Mode::subreaper);
    CHECK(terminal.shows("check ... 0 ms"));
    CHECK(terminal.shows("check: 12 ms, fine"));
    CHECK(terminal.shows("ready ... 0 ms"));
    CHECK(terminal.shows("\r\x1b[Krolled back:"));
    CHECK(terminal.exit_status() == 1);
}

TEST_CASE("Ctrl-C ends a client that waits") {
    const TempFolder folder;
    Holding holding;
    const Running running(folder.path("s"), holding);
    ChildProcess client(
        {{sluice_program(), "reload", "--wait", "--socket", running.address()}, {}, {}});
    REQUIRE(eventually([&] { return holding.count() == 1; }));
    ::kill(client.pid(), SIGINT);
    const auto status = client.wait();
    REQUIRE(status.has_value());
    CHECK(WIFSIGNALED(*status));
    CHECK(eventually([&] { return holding.closed(0); }));
}

TEST_CASE("another user is told that they may not") {
    if (!is_root()) return;
    const TempFolder folder;
    const Running by_path(folder.path("s"));
    const Running by_name("@");
    const auto ask_as = [](const std::string& uid, const std::string& address) {
        return run({"setpriv", "--reuid", uid, "--clear-groups", sluice_program(), "status",
                    "--socket", address});
    };
    for (const auto& [address, why] : std::map<std::string, std::string>{
             {by_path.address(), "uid 33 may not connect to " + by_path.address()},
             {by_name.address(), "uid 33 may not ask; ask as root"}}) {
        const auto refused = ask_as("33", address);
        CHECK(refused.status == 125);
        CHECK(contains(refused.err, why));
        CHECK(refused.out.empty());
        CHECK(ask_as("0", address).status == 0);
    }
}

TEST_CASE("a sluice of another user: itself and root may ask") {
    if (!is_root()) return;
    ChildProcess server(
        {{"setpriv", "--reuid", "33", "--clear-groups", server_program(), "serve", "@"}, {}, {}});
    REQUIRE(server.says("\n"));
    const auto address = lines_of(server.out()).front().substr(3);
    REQUIRE(address.starts_with("@sluice-"));
    const auto ask_as = [&](const std::string& uid) {
        return run({"setpriv", "--reuid", uid, "--clear-groups", sluice_program(), "health",
                    "--socket", address});
    };
    CHECK(ask_as("33").status == 0);
    const auto stranger = ask_as("34");
    CHECK(stranger.status == 125);
    // The server would say no, too; an abstract name of uid 33 need not be sluice's.
    CHECK(contains(stranger.err, "not this container's sluice"));
    const auto root = ask_as("0");
    CHECK(root.status == 125);
    CHECK(contains(root.err, "not this container's sluice"));
}

TEST_CASE("as PID 1 with nothing configured: found by path, or by name where /run is read-only") {
    if (!is_root()) return;
    for (const std::string options : {"", "-o ro"}) {
        CAPTURE(options);
        ChildProcess server({{"unshare", "-pfm", "--mount-proc", "--kill-child", "sh", "-c",
                              "mount -t tmpfs " + options + " none /run && exec " +
                                  server_program() + " serve default"},
                             {},
                             {}});
        REQUIRE(server.says("\n"));
        CHECK(contains(server.out(), options.empty() ? "at /run/sluice.sock\n" : "at @sluice-"));
        const auto children = children_of(server.pid());
        REQUIRE(children.size() == 1);
        const auto inside = [&](const std::string& command) {
            return run({"nsenter", "-t", std::to_string(children.front()), "-p", "-m", "sh", "-c",
                        command});
        };
        const auto health = inside(sluice_program() + " health");
        CHECK(health.status == 0);
        CHECK(health.out == "health taken\n");
        if (options.empty()) continue;
        // The same network, another PID namespace: pid 0.
        const auto name = lines_of(server.out()).front().substr(3);
        CHECK(name.find('-', 8) == std::string::npos);
        const auto outside = sluice_client({"status", "--socket", name});
        CHECK(outside.status == 125);
        CHECK(contains(outside.err, "another PID namespace"));
    }
}

TEST_CASE("the configuration of PID 1 says where, and the environment before it") {
    if (!is_root()) return;
    const TempFolder folder;
    const auto config =
        folder.write("c.toml", "[control]\nsocket = \"" + folder.path("by_config") + "\"\n");
    ChildProcess server({{"unshare", "-pfm", "--mount-proc", "--kill-child", "bash", "-c",
                          "exec -a /x/sluice " + server_program() + " --config " + config +
                              " -- serve " + folder.path("by_config")},
                         {},
                         {}});
    REQUIRE(server.says("at " + folder.path("by_config")));
    const auto pid = std::to_string(children_of(server.pid()).at(0));
    const auto inside = [&](const std::map<std::string, std::string>& environment) {
        return run({"nsenter", "-t", pid, "-p", "-m", sluice_program(), "health"}, environment);
    };
    CHECK(inside({}).out == "health taken\n");
    const auto elsewhere = inside({{"SLUICE_CONTROL_SOCKET", folder.path("nobody")}});
    CHECK(elsewhere.status == 125);
    CHECK(contains(elsewhere.err, "no sluice listens at " + folder.path("nobody")));
    const auto off = inside({{"SLUICE_CONTROL_SOCKET", "off"}});
    CHECK(off.status == 125);
    CHECK(contains(off.err, "no control socket"));
}

TEST_CASE("nobody there, somebody silent, somebody who makes no sense") {
    const TempFolder folder;
    const auto path = folder.path("s");
    const auto ask = [&](const std::string& verb = "health") {
        return sluice_client({verb, "--socket", path});
    };
    auto result = ask();
    CHECK(result.status == 125);
    CHECK(contains(result.err, "no sluice listens at " + path));
    const auto expect = [&](const std::string& reply, const std::string& why,
                            const std::string& verb = "health") {
        std::filesystem::remove(path);
        const Impostor impostor(path, reply);
        result = ask(verb);
        CAPTURE(reply);
        CHECK(result.status == 125);
        CHECK(result.out.empty());
        CHECK(contains(result.err, why));
    };
    expect("HTTP/1.1 400 Bad\x1b Request\n", "makes no sense: \"HTTP/1.1 400 Bad\\u001B Request\"");
    expect("{\"status\":{}}\n", "makes no sense");
    expect("{\"status\":{}}\n", "makes no sense", "status");
    expect("{\"step\":\"a\",\"state\":\"done\",\"took_ms\":1,\"text\":\"\"}\n", "makes no sense");
    expect("{\"done\":true,\"ok\":tr", "closed the connection before");
    expect(std::string(17'000'000, 'x'), "closed the connection before");
    expect("{\"error\":\"go \\u001b away\"}\n", "go \\x1b away");
    expect("", "not answered within 5 s");
    std::filesystem::remove(path);
    const Impostor unhealthy(path, "{\"done\":true,\"ok\":false,\"text\":\"no answer\"}\n");
    result = ask();
    CHECK(result.status == 1);
    CHECK(result.err == "no answer\n");
}

} // namespace tests
