#include <doctest/doctest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <csignal>

#include "fake_engine.h"
#include "fleet/engine/http.h"
#include "tests/integration/child_process.h"

// The command itself, before an Engine that does what a real one does not do on demand.

namespace tests {

namespace {

using Answer = FakeEngine::Answer;
using namespace std::chrono_literals;

const std::string list_of_two =
    R"([{"Id":"aa","Names":["/web-1"]},{"Id":"bb","Names":["/web-2"]}])";

std::string inspect(const std::string& id, const std::string& more = "",
                    const std::string& status = "running") {
    return R"({"Id":")" + id + R"(","Name":"/web-)" + (id == "aa" ? "1" : "2") +
           R"(","Path":"sluice","Args":["php-fpm"],"Config":{},"State":{"Status":")" + status +
           R"(","Pid":7,"ExitCode":3,"StartedAt":"2026-11-23T22:58:42Z","FinishedAt":"2026-11-23T22:58:41Z")" +
           more + "}}";
}

// Two containers whose reloads go well.
Answer content(const std::string& request) {
    if (request == "GET /containers/json") return {http(200, list_of_two)};
    if (request == "GET /containers/aa/json") return {http(200, inspect("aa"))};
    if (request == "GET /containers/bb/json") return {http(200, inspect("bb"))};
    if (request == "POST /containers/aa/exec") return {http(201, R"({"Id":"ea"})")};
    if (request == "POST /containers/bb/exec") return {http(201, R"({"Id":"eb"})")};
    if (request.ends_with("/start")) {
        return {stream({{1, "preparing: 2 ms, checked\n"}, {1, "reload: done in 9 ms\n"}})};
    }
    if (request.starts_with("GET /exec/")) return {http(200, R"({"Running":false,"ExitCode":0})")};
    return {http(500, R"({"message":"not in this test"})")};
}

ChildProcess fleet(const std::string& host, std::vector<std::string> words) {
    words.insert(words.begin(), SLUICE_BINARY_DIR "/sluice-fleet");
    return ChildProcess({.command = std::move(words), .environment = {{"DOCKER_HOST", host}}});
}

int exit_of(ChildProcess& process) {
    const auto status = process.wait();
    REQUIRE(status);
    return WIFEXITED(*status) ? WEXITSTATUS(*status) : 1'000 + WTERMSIG(*status);
}

bool asked(FakeEngine& engine, const std::string& request) {
    const auto all = engine.requests();
    return std::ranges::find(all, request) != all.end();
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("With nothing wrong both are reloaded") {
    FakeEngine engine(content);
    auto process = fleet(engine.host(), {"reload"});
    CHECK(exit_of(process) == 0);
    CHECK(process.says("web-1: starting"));
    CHECK(process.says("2 containers: 2 done"));
    CHECK(process.err().empty());
}

TEST_CASE("An Engine that cannot be asked is said in a sentence, and nothing is done") {
    struct Case {
        std::string bytes;
        std::string sentence;
    };

    for (const auto& one : std::vector<Case>{
             {http(200, "[{"), "makes no sense"},
             {http(200, R"({"a":1})"), "makes no sense"},
             {http(500, R"({"message":"no \u001b[2J room"})"), "the Engine says: no \\x1b[2J room"},
             {http(503, "<html>"), "HTTP status 503"},
             {"", "closed the connection before it had answered"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", "closed the connection"},
             {"SSH-2.0-OpenSSH\r\n\r\n", "cannot be read"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[", "longer than any"},
             {"HTTP/1.1 200 OK\r\nX: " + std::string(200'000, 'x'), "longer than any"},
         }) {
        FakeEngine engine([&](const std::string&) { return Answer{one.bytes}; });
        auto process = fleet(engine.host(), {"reload"});
        CHECK(exit_of(process) == 125);
        CHECK_MESSAGE(has(process.err(), one.sentence), process.err());
        CHECK_FALSE(has(process.err(), "\x1b"));
        CHECK(process.out().empty());
        CHECK(engine.requests().size() == 1);
    }
}

TEST_CASE("Nobody listens") {
    auto process = fleet("unix:///nowhere/docker.sock", {"status"});
    CHECK(exit_of(process) == 125);
    CHECK(process.logs("no Engine listens at unix:///nowhere/docker.sock"));
}

TEST_CASE("Who may not connect is told of the group") {
    FakeEngine engine(content);
    ChildProcess process({.command = {"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                      SLUICE_BINARY_DIR "/sluice-fleet", "status"},
                          .environment = {{"DOCKER_HOST", engine.host()}},
                          .before_exec = [&] { ::chmod(engine.path().c_str(), 0600); }});
    if (::geteuid() != 0) return; // only root can be another
    CHECK(exit_of(process) == 125);
    CHECK(process.logs("become a member of its group (docker, mostly) or root"));
}

TEST_CASE("An Engine that does not answer is given up") {
    FakeEngine engine([](const std::string&) { return Answer{"HTTP/1.1 200 OK\r\n", true}; });
    boost::asio::io_context loop(1);
    std::string said;
    sluice::fleet::ask(
        loop, {.path = engine.path(), .shown = "here"},
        {.target = "/containers/json", .limit = 50ms, .longest_answer = 1'000},
        [&](const auto& answer) { said = std::get<sluice::fleet::Trouble>(answer).text; });
    loop.run();
    CHECK(said == "the Engine at here has not answered within 50 ms");
}

TEST_CASE("Whose first process is no sluice is refused before anything is done") {
    FakeEngine engine([](const std::string& request) {
        if (request == "GET /containers/bb/json") {
            auto other = inspect("bb");
            other.replace(other.find("sluice"), 6, "/entry");
            return Answer{http(200, other)};
        }
        if (has(request, "/top")) return Answer{http(200, R"({"Processes":[["7","mysqld"]]})")};
        return content(request);
    });
    SUBCASE("chosen") {
        auto process = fleet(engine.host(), {"reload", "--name", "web-*"});
        CHECK(exit_of(process) == 125);
        CHECK(process.logs("the first process of web-2 is not sluice"));
        CHECK_FALSE(asked(engine, "POST /containers/aa/exec"));
    }
    SUBCASE("by default it is not meant") {
        auto process = fleet(engine.host(), {"reload"});
        CHECK(exit_of(process) == 0);
        CHECK(process.says("1 container: 1 done"));
    }
}

TEST_CASE("Nobody follows a canary that rolled back") {
    FakeEngine engine([](const std::string& request) {
        if (request == "POST /exec/ea/start") {
            return Answer{stream({{2, "reload: rolled back after 9 ms: \x1b[31mbroken\n"}})};
        }
        if (request == "GET /exec/ea/json") {
            return Answer{http(200, R"({"Running":false,"ExitCode":1})")};
        }
        return content(request);
    });
    auto process = fleet(engine.host(), {"reload"});
    CHECK(exit_of(process) == 1);
    CHECK(process.says("web-1: ROLLED BACK"));
    CHECK(process.says("\\x1b[31mbroken"));
    CHECK_FALSE(has(process.out(), "\x1b"));
    CHECK(process.says("the canary web-1 failed: nothing else was begun"));
    CHECK_FALSE(asked(engine, "POST /containers/bb/exec"));
}

TEST_CASE("A reload whose container stops or vanishes meanwhile has failed, with a sentence") {
    std::string now;
    int status = 200;
    std::string sentence;
    Answer outputs{stream({{1, "preparing: 2 ms, checked\n"}})};
    SUBCASE("it ended") {
        now = inspect("aa", "", "exited");
        sentence = "it ended meanwhile with status 3";
    }
    SUBCASE("it has gone") {
        status = 404;
        sentence = "it has gone meanwhile";
    }
    SUBCASE("it was started again") {
        now = inspect("aa");
        now.replace(now.find("58:42Z"), 6, "59:59Z");
        sentence = "it was started again meanwhile";
    }
    SUBCASE("it is paused") {
        now = inspect("aa", "", "paused");
        sentence = "it is paused";
    }
    SUBCASE("none of these, and the stream was cut") {
        now = inspect("aa");
        outputs.bytes += std::string("\1\0\0\0\0\0\0\x9x", 9);
        sentence = "the Engine's stream was cut";
    }
    SUBCASE("none of these, and it is no stream") {
        now = inspect("aa");
        outputs.bytes += "what?    ";
        sentence = "no such stream";
    }
    bool under_way = false;
    FakeEngine engine([&](const std::string& request) {
        if (request == "POST /exec/ea/start") {
            under_way = true;
            return outputs;
        }
        if (request == "GET /exec/ea/json") {
            return Answer{http(200, R"({"Running":false,"ExitCode":137})")};
        }
        if (under_way && request == "GET /containers/aa/json") return Answer{http(status, now)};
        return content(request);
    });
    auto process = fleet(engine.host(), {"reload", "--name", "web-1"});
    CHECK(exit_of(process) == 1);
    CHECK_MESSAGE(has(process.out(), "web-1: FAILED"), process.out());
    CHECK_MESSAGE(has(process.out(), sentence), process.out());
}

TEST_CASE("A reload that does not end is left alone after its time") {
    FakeEngine engine([](const std::string& request) {
        if (request == "POST /exec/ea/start") return Answer{stream({}), true};
        return content(request);
    });
    auto process = fleet(engine.host(), {"reload", "--name", "web-1", "--timeout", "100ms"});
    CHECK(exit_of(process) == 1);
    CHECK(process.says("it has not ended within 100 ms"));
}

TEST_CASE("Where the program cannot be executed PID 1's own file is") {
    int execs = 0;
    FakeEngine engine([&](const std::string& request) {
        if (request == "POST /containers/aa/exec") ++execs;
        if (request == "POST /exec/ea/start" && execs == 1) {
            return Answer{stream({{1, "OCI runtime exec failed: no such file\r\n"}})};
        }
        if (request == "GET /exec/ea/json" && execs == 1) {
            return Answer{http(200, R"({"Running":false,"ExitCode":126})")};
        }
        return content(request);
    });
    auto process = fleet(engine.host(), {"reload", "--name", "web-1"});
    CHECK(exit_of(process) == 0);
    CHECK(execs == 2);
}

TEST_CASE("A restart waits for the container's own health check, and tells what it cost") {
    int looks = 0;
    std::string last = "healthy";
    int exit_status = 0;
    std::string says = "1 request cut";
    SUBCASE("healthy") {}
    SUBCASE("unhealthy") {
        last = "unhealthy";
        exit_status = 1;
        says = "unhealthy: the app \\x1b is down";
    }
    FakeEngine engine([&](const std::string& request) {
        if (request == "POST /containers/aa/restart") return Answer{http(204, "")};
        if (request == "GET /containers/aa/json") {
            const auto health = looks++ < 3 ? std::string("starting") : last;
            return Answer{
                http(200, inspect("aa", R"(,"Health":{"Status":")" + health +
                                            R"(","Log":[{"Output":"the app \u001b is down"}]})"))};
        }
        if (has(request, "/logs?")) {
            CHECK(has(request, "since=1795474718&until=1795474722"));
            const auto log = stream({{2, "T sluice warning: stopped in 9 s: 1 request cut\n"}});
            return Answer{http(200, log.substr(log.find("\r\n\r\n") + 4))};
        }
        return content(request);
    });
    auto process = fleet(engine.host(), {"restart", "--name", "web-1"});
    CHECK(exit_of(process) == exit_status);
    CHECK_MESSAGE(has(process.out(), says), process.out());
    CHECK_FALSE(asked(engine, "POST /containers/aa/exec"));
}

TEST_CASE("A container that the Engine stopped and did not start is started") {
    Answer to_start{http(204, "")};
    std::string sentence = "port is already allocated; it was started once more";
    SUBCASE("it stood still") {}
    SUBCASE("it had not been stopped") {
        to_start.bytes = "HTTP/1.1 304 Not Modified\r\n\r\n";
        sentence = "port is already allocated; it runs";
    }
    SUBCASE("it cannot be started") {
        to_start.bytes = http(500, R"({"message":"no room"})");
        sentence = "it may stand still, for it could not be started: the Engine says: no room";
    }
    FakeEngine engine([&](const std::string& request) {
        if (request == "POST /containers/aa/restart") {
            return Answer{http(500, R"({"message":"port is already allocated"})")};
        }
        if (request == "POST /containers/aa/start") return to_start;
        return content(request);
    });
    auto process = fleet(engine.host(), {"restart"});
    CHECK(exit_of(process) == 1);
    CHECK_MESSAGE(has(process.out(), sentence), process.out());
    CHECK(asked(engine, "POST /containers/aa/start"));
    CHECK_FALSE(asked(engine, "POST /containers/bb/restart"));
}

TEST_CASE("An Engine that goes away in the middle has each container named, and nothing hangs") {
    std::string task = "reload";
    SUBCASE("reload") {}
    SUBCASE("restart") {
        task = "restart";
    }
    bool gone = false;
    FakeEngine engine([&](const std::string& request) {
        if (request == "POST /exec/ea/start") {
            gone = true;
            return Answer{stream({{1, "preparing: 2 ms, checked\n"}}) + "\1\2"};
        }
        if (request == "POST /containers/aa/restart") gone = true;
        return gone ? Answer{""} : content(request);
    });
    auto process = fleet(engine.host(), {task, "--json"});
    CHECK(exit_of(process) == 1);
    const auto lines = lines_of(process.out());
    REQUIRE_FALSE(lines.empty());
    CHECK_MESSAGE(has(lines.back(), R"("failed":1,)"), lines.back());
    CHECK(has(lines.back(), R"("not_begun":1,)"));
    CHECK(has(lines.back(), R"("container":"web-1","outcome":"failed")"));
    CHECK(process.err().empty());
}

TEST_CASE("An interruption awaits what has begun; a second INT names what is left") {
    FakeEngine engine([](const std::string& request) {
        if (request == "POST /exec/ea/start") {
            return Answer{stream({{1, "preparing: 2 ms, checked\n"}}), true};
        }
        return content(request);
    });
    auto process = fleet(engine.host(), {"reload"});
    REQUIRE(process.says("web-1: starting"));
    int first = SIGINT;
    SUBCASE("INT") {}
    SUBCASE("TERM") {
        first = SIGTERM;
    }
    SUBCASE("HUP") {
        first = SIGHUP;
    }
    ::kill(process.pid(), first);
    REQUIRE(process.logs("what has begun is finished, nothing else begins"));
    CHECK_FALSE(process.has_ended());
    ::kill(process.pid(), SIGINT);
    CHECK(exit_of(process) == 130);
    CHECK(process.says("web-1      LEFT UNDONE"));
    CHECK(process.says("its reload goes on in the container"));
    CHECK(process.says("1 left undone, 1 not begun"));
    CHECK_FALSE(asked(engine, "POST /containers/bb/exec"));
}

} // namespace tests
