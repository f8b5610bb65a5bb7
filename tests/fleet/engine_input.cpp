#include <doctest/doctest.h>

#include <chrono>

#include "fleet/engine/answers.h"
#include "fleet/engine/endpoint.h"
#include "fleet/engine/frames.h"
#include "fleet/engine/line_splitter.h"
#include "fleet/engine/log_time.h"

// What the Engine and its user say, read by pure code.

namespace sluice::fleet {

namespace {

std::string frame_of(char channel, const std::string& text) {
    std::string header{channel, 0, 0, 0, 0, 0, 0, 0};
    header[6] = static_cast<char>(text.size() / 256);
    header[7] = static_cast<char>(text.size() % 256);
    return header + text;
}

struct Heard {
    std::string out;
    std::string err;

    Frames::OnBytes listen() {
        return [this](Channel channel, std::string_view bytes) {
            (channel == Channel::out ? out : err) += bytes;
        };
    }
};

std::string problem_of(std::string_view host, std::string_view tls = "") {
    const auto parsed = parse_endpoint(host, tls);
    const auto* const problem = std::get_if<std::string>(&parsed);
    return problem != nullptr ? *problem : "";
}

} // namespace

TEST_CASE("DOCKER_HOST") {
    CHECK(std::get<Endpoint>(parse_endpoint("", "")) ==
          Endpoint{.path = "/var/run/docker.sock", .shown = "unix:///var/run/docker.sock"});
    CHECK(std::get<Endpoint>(parse_endpoint("unix:///a b", "1")).path == "/a b");
    CHECK(std::get<Endpoint>(parse_endpoint("tcp://127.0.0.1:2375", "")) ==
          Endpoint{.ip = "127.0.0.1", .port = 2375, .shown = "tcp://127.0.0.1:2375"});
    CHECK(std::get<Endpoint>(parse_endpoint("tcp://[::1]:80/", "")).ip == "::1");
    CHECK(problem_of("tcp://docker:2375").find("names are not looked up") != std::string::npos);
    CHECK(problem_of("tcp://127.0.0.1").find("a port") != std::string::npos);
    CHECK_FALSE(problem_of("tcp://127.0.0.1:0").empty());
    CHECK_FALSE(problem_of("tcp://127.0.0.1:65536").empty());
    CHECK(problem_of("tcp://127.0.0.1:2376", "1").find("TLS") != std::string::npos);
    CHECK(problem_of("ssh://host").find("unix:///PATH or tcp://IP:PORT") != std::string::npos);
    CHECK_FALSE(problem_of("unix://docker.sock").empty());
    CHECK_FALSE(problem_of("unix:///" + std::string(200, 'a')).empty());
    CHECK(problem_of("\x1b[2J").find('\x1b') == std::string::npos);
}

TEST_CASE("Frames are the same in one piece and byte by byte") {
    const auto stream = frame_of(1, "preparing: 2 ms\n") + frame_of(2, "no") + frame_of(1, "") +
                        frame_of(1, std::string(300, 'x'));
    Heard whole;
    Frames frames;
    CHECK(frames.take(stream, whole.listen()));
    CHECK(frames.whole());
    CHECK(whole.out == "preparing: 2 ms\n" + std::string(300, 'x'));
    CHECK(whole.err == "no");
    Heard pieces;
    Frames slow;
    for (std::size_t at = 0; at < stream.size(); ++at) {
        REQUIRE(slow.take(stream.substr(at, 1), pieces.listen()));
        CHECK(slow.whole() == (at + 1 == stream.size() || at == 23 || at == 33 || at == 41));
    }
    CHECK(pieces.out == whole.out);
    CHECK(pieces.err == whole.err);
}

TEST_CASE("What is no frame is not passed on, nor what comes after it") {
    for (const auto& wrong : {std::string("OCI runtime exec failed"), frame_of(4, "x"),
                              std::string("\1\0\1\0\0\0\0\1x", 9)}) {
        Heard heard;
        Frames frames;
        CHECK_FALSE(frames.take(frame_of(1, "a") + wrong, heard.listen()));
        CHECK_FALSE(frames.take(frame_of(1, "b"), heard.listen()));
        CHECK(heard.out == "a");
        CHECK_FALSE(frames.whole());
    }
}

TEST_CASE("Lines are bounded") {
    LineSplitter lines(4);
    using Texts = std::vector<std::string>;
    CHECK(lines.take("a\r\nbc").size() == 1);
    CHECK(lines.take("d\n\n") == Texts{"bcd", ""});
    CHECK(lines.take("12345").empty());
    CHECK(lines.take("6789").empty());
    CHECK(lines.take("0\nx") == Texts{"1234..."});
    CHECK(lines.rest() == "x");
    CHECK(lines.rest().empty());
}

TEST_CASE("The times of a log") {
    using std::chrono::seconds;
    CHECK(log_time("2026-11-23T22:58:42.209404788Z", seconds(0)) == "1795474722.209404788");
    CHECK(log_time("2026-11-23T22:58:42Z", seconds(-2)) == "1795474720");
    CHECK(log_time("1970-01-01T00:00:00Z", seconds(0)) == "0");
    CHECK(log_time("0001-01-01T00:00:00Z", seconds(0)).empty()); // it has not ended yet
    CHECK(log_time("2026-02-30T00:00:00Z", seconds(0)).empty());
    CHECK(log_time("2026-11-23T22:58:42", seconds(0)).empty());
    CHECK(log_time("2026-11-23T22:58:42&x=1Z", seconds(0)) == "1795474722");
    CHECK(log_time("Z", seconds(0)).empty());
    CHECK(log_time("", seconds(0)).empty());
}

TEST_CASE("The list of containers") {
    const auto list = parse_list(
        R"([{"Id":"ab12","Names":["/other/link","/web-1"],"Labels":{"a":"b","n":1},"x":[]},
            {"Id":"cd34","Names":null,"Labels":null}])");
    REQUIRE(list);
    REQUIRE(list->size() == 2);
    CHECK(list->at(0).name == "web-1");
    CHECK(list->at(0).labels == std::map<std::string, std::string>{{"a", "b"}});
    CHECK(list->at(1).name == "cd34");
    CHECK(parse_list("[]")->empty());
    // An id goes into the paths of requests.
    CHECK_FALSE(parse_list(R"([{"Id":"../../x","Names":["/a"]}])"));
    CHECK_FALSE(parse_list(R"([{"Names":["/a"]}])"));
    CHECK_FALSE(parse_list(R"({"message":"no"})"));
    CHECK_FALSE(parse_list("[1]"));
    CHECK_FALSE(parse_list("[{"));
    CHECK_FALSE(parse_list(""));
    CHECK_FALSE(parse_list(std::string(100'000, '[')));
}

TEST_CASE("A container") {
    const auto text = [](const std::string& state, const std::string& rest) {
        return R"({"Id":"ab12","Name":"/web-1","Path":"sluice","Args":["php-fpm"],"State":{)" +
               state + "}," + rest + "}";
    };
    const std::string state = R"("Status":"running","Pid":7,"ExitCode":0,
        "StartedAt":"2026-11-23T22:58:42Z","FinishedAt":"0001-01-01T00:00:00Z")";
    const auto plain = parse_container(text(state, R"("Config":{"Tty":false})"));
    REQUIRE(plain);
    CHECK(plain->name == "web-1");
    CHECK(plain->command == std::vector<std::string>{"sluice", "php-fpm"});
    CHECK(plain->running());
    CHECK(plain->pid == 7);
    CHECK_FALSE(plain->stop_timeout);
    CHECK(plain->first_is_pid_1);
    CHECK(plain->health == Container::Health::none);
    const auto full = parse_container(
        text(state + R"(,"Health":{"Status":"unhealthy","Log":[{"Output":"a"},{"Output":"b"}]})",
             R"("HostConfig":{"Init":true,"PidMode":""},
           "Config":{"Tty":true,"StopTimeout":30,"Healthcheck":{"Test":["CMD","sluice","health"]}})"));
    REQUIRE(full);
    CHECK(full->tty);
    CHECK(full->stop_timeout == std::chrono::seconds(30));
    CHECK_FALSE(full->first_is_pid_1);
    CHECK(full->health == Container::Health::unhealthy);
    CHECK(full->health_output == "b");
    CHECK(full->health_check.size() == 3);
    const auto host =
        parse_container(text(state, R"("Config":{},"HostConfig":{"PidMode":"host"})"));
    REQUIRE(host);
    CHECK_FALSE(host->first_is_pid_1);
    CHECK_FALSE(parse_container(text("", R"("Config":{})")));
    CHECK_FALSE(parse_container(text(state, R"("x":0)")));
    CHECK_FALSE(parse_container(R"({"Id":"ab/1"})"));
    CHECK_FALSE(parse_container("null"));
}

TEST_CASE("Processes, execs and errors") {
    const auto top =
        parse_top(R"({"Titles":["PID","COMMAND"],"Processes":[["7","sluice php-fpm"]]})");
    REQUIRE(top);
    CHECK(top->at(0).pid == 7);
    CHECK(top->at(0).command == "sluice php-fpm");
    CHECK_FALSE(parse_top(R"({"Processes":[["x","a"]]})"));
    CHECK_FALSE(parse_top(R"({"Processes":[["1"]]})"));
    CHECK_FALSE(parse_top(R"({"Processes":null})"));
    CHECK(parse_exec_id(R"({"Id":"0af"})") == "0af");
    CHECK_FALSE(parse_exec_id(R"({"Id":"0af/../x"})"));
    CHECK_FALSE(parse_exec_id(R"({"Id":""})"));
    CHECK(parse_exec(R"({"Running":true,"ExitCode":null})")->running);
    CHECK(parse_exec(R"({"Running":false,"ExitCode":137})")->exit_code == 137);
    CHECK_FALSE(parse_exec(R"({"Running":0})"));
    CHECK(error_message(R"({"message":"No such container"})") == "No such container");
    CHECK(error_message("<html>").empty());
    CHECK(exec_body({"a\"b", "c"}) ==
          R"({"AttachStdout":true,"AttachStderr":true,"Cmd":["a\"b","c"]})");
}

} // namespace sluice::fleet
