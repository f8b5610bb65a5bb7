#include <doctest/doctest.h>

#include "fake_engine.h"
#include "screen.h"
#include "tests/integration/pty.h"

// The progress on a real terminal.

namespace tests {

namespace {

using Answer = FakeEngine::Answer;

// "web-07", whose id is "a07".
std::string id_of(int number) {
    return (number < 10 ? "a0" : "a") + std::to_string(number);
}

// `count` containers whose reloads go well, but that of `stuck` is at its second step for ever.
FakeEngine::OnRequest node_of(int count, const std::string& stuck) {
    return [=](const std::string& request) -> Answer {
        std::string list;
        for (int number = 1; number <= count; ++number) {
            const auto id = id_of(number);
            const auto name = R"("/web-)" + id.substr(1) + "\"";
            list += (list.empty() ? "" : ",") + std::string(R"({"Id":")") + id + R"(","Names":[)" +
                    name + "]}";
            if (request == "GET /containers/" + id + "/json") {
                return {http(200, R"({"Id":")" + id + R"(","Name":)" + name +
                                      R"(,"Path":"sluice","Args":["php-fpm"],"Config":{},)"
                                      R"("State":{"Status":"running","Pid":7,"ExitCode":0,)"
                                      R"("StartedAt":"","FinishedAt":""}})")};
            }
            if (request == "POST /containers/" + id + "/exec") {
                return {http(201, R"({"Id":")" + id + "\"}")};
            }
        }
        if (request == "GET /containers/json") return {http(200, "[" + list + "]")};
        if (request == "POST /exec/" + stuck + "/start") {
            return {stream({{1, "preparing: 2 ms, checked\n"}}), true};
        }
        if (request.ends_with("/start")) return {stream({{1, "reload: done in 9 ms\n"}})};
        return {http(200, R"({"Running":false,"ExitCode":0})")};
    };
}

// In a window of this size, under a shell that tells whether the terminal was left as it was.
std::vector<std::string> on_terminal(const FakeEngine& engine, const std::string& size) {
    return {"sh", "-c",
            "trap : INT; stty " + size + "; before=$(stty -g); TERM=xterm DOCKER_HOST=" +
                engine.host() + " " SLUICE_BINARY_DIR "/sluice-fleet reload; status=$?; " +
                R"sh([ "$(stty -g)" = "$before" ] || echo changed; exit $status)sh"};
}

std::vector<std::string> shown(const Terminal& terminal, Screen screen) {
    screen.write(terminal.screen());
    CHECK_MESSAGE(screen.trouble().empty(), screen.trouble());
    CHECK(screen.column() == 0);
    return screen.lines();
}

bool begins_with(const std::vector<std::string>& lines, const std::vector<std::string>& begins) {
    if (lines.size() != begins.size()) return false;
    for (std::size_t at = 0; at < lines.size(); ++at) {
        if (!lines[at].starts_with(begins[at])) return false;
    }
    return true;
}

std::string all(const std::vector<std::string>& lines) {
    std::string text;
    for (const auto& line : lines) text += line + "\n";
    return text;
}

} // namespace

TEST_CASE("On a terminal the account takes the place of the lines and the bar") {
    FakeEngine engine(node_of(3, "none"));
    Terminal terminal(on_terminal(engine, "rows 24 cols 80"), Mode::subreaper);
    CHECK(terminal.exit_status() == 0);
    CHECK(terminal.screen().find("[....") != std::string::npos);
    const auto lines = shown(terminal, Screen(24, 80));
    CHECK_MESSAGE(begins_with(lines, {"CONTAINER  OUTCOME  TIME", "web-01     done     ",
                                      "web-02     done     ", "web-03     done     ",
                                      "3 containers: 3 done, in "}),
                  all(lines));
}

TEST_CASE("On a terminal each container has a line, below them is one bar, and INT ends it all") {
    FakeEngine engine(node_of(3, "a03"));
    Terminal terminal(on_terminal(engine, "rows 24 cols 80"), Mode::subreaper);
    REQUIRE(terminal.shows("] 2 of 3, "));
    terminal.type("\x03"); // which the terminal shows as ^C below the bar
    REQUIRE(terminal.shows("INT: what has begun is finished, nothing else begins; INT again"));
    REQUIRE(terminal.shows("\x1b[J"));
    const auto text = terminal.screen();
    Screen screen(24, 80);
    screen.write(text.substr(0, text.rfind("\x1b[J") + 3));
    const auto frame = screen.lines();
    CHECK_MESSAGE(begins_with(frame, {"web-01  done  ", "web-02  done  ", "web-03  starting  ",
                                      "INT: what has begun is finished",
                                      "[##########################..............] 2 of 3, "}),
                  all(frame));
    CHECK_MESSAGE(screen.trouble().empty(), screen.trouble());
    CHECK(screen.column() == 0);
    terminal.type("\x03");
    CHECK(terminal.exit_status() == 130);
    const auto lines = shown(terminal, Screen(24, 80));
    CHECK_MESSAGE(
        begins_with(lines, {"CONTAINER  OUTCOME      TIME", "web-01     done ", "web-02     done ",
                            "web-03     LEFT UNDONE ", "3 containers: 2 done, 1 left undone, in ",
                            "interrupted twice: what was under way is left as it is"}),
        all(lines));
}

TEST_CASE("In a window with fewer lines than containers nothing scrolls before the account") {
    FakeEngine engine(node_of(12, "a05"));
    Terminal terminal(on_terminal(engine, "rows 6 cols 50"), Mode::subreaper);
    REQUIRE(terminal.shows("11 of 12, "));
    terminal.type("\x03");
    REQUIRE(terminal.shows("INT: what"));
    terminal.type("\x03");
    CHECK(terminal.exit_status() == 130);
    const auto text = terminal.screen();
    const auto account = text.find("CONTAINER");
    REQUIRE(account != std::string::npos);
    Screen progress(6, 50);
    progress.write(text.substr(0, account));
    CHECK_MESSAGE(progress.trouble().empty(), progress.trouble());
    CHECK(progress.row() == 0);
    CHECK(text.find("web-05  starting") != std::string::npos);
    CHECK(text.find("and 9 more") != std::string::npos);
    Screen screen(6, 1'000); // the account's lines may be longer than the window
    screen.write(text);
    const auto lines = screen.lines();
    REQUIRE(lines.size() == 15);
    CHECK(lines[0].starts_with("CONTAINER"));
    CHECK(lines[5].starts_with("web-05     LEFT UNDONE"));
    CHECK(lines[13].starts_with("12 containers: 11 done, 1 left undone, in "));
}

TEST_CASE("A window that becomes smaller is drawn anew from its top") {
    FakeEngine engine(node_of(6, "a03"));
    Terminal terminal(on_terminal(engine, "rows 24 cols 80"), Mode::subreaper);
    REQUIRE(terminal.shows("] 5 of 6, "));
    terminal.resize(5, 30);
    REQUIRE(terminal.shows("\x1b[2J\x1b[H"));
    const auto from = terminal.screen().rfind("\x1b[2J\x1b[H");
    REQUIRE(terminal.shows("and 4 more"));
    REQUIRE(terminal.shows("\x1b[J"));
    Screen screen(5, 30);
    const auto text = terminal.screen();
    screen.write(text.substr(from, text.rfind("\x1b[J") + 3 - from));
    const auto lines = screen.lines();
    CHECK_MESSAGE(screen.trouble().empty(), screen.trouble());
    REQUIRE_MESSAGE(lines.size() == 4, all(lines));
    CHECK(lines[1].starts_with("web-03  starting"));
    CHECK(lines[2] == "and 4 more");
}

} // namespace tests
