#include <doctest/doctest.h>

#include <algorithm>

#include "fleet/options.h"
#include "fleet/show/account.h"
#include "fleet/show/cells.h"
#include "fleet/show/frame.h"
#include "fleet/show/node.h"

// What is shown, and the command line.

namespace sluice::fleet {

namespace {

using std::chrono::milliseconds;
using Row = Board::Row;

constexpr const char* nasty = "\x1b[2J\n\xc2\x9b\xe4\xb8\xad\xff";

Board board_of(std::size_t count) {
    Board board{.task = "reload", .elapsed = milliseconds(1'200)};
    for (std::size_t at = 0; at < count; ++at) {
        board.rows.push_back({.name = "web-" + std::to_string(at)});
    }
    return board;
}

void end(Row& row, Outcome::Kind kind, const std::string& text = "", std::optional<int> cut = {}) {
    row.state = Row::State::ended;
    row.took = milliseconds(600);
    row.outcome = {.kind = kind, .text = text, .cut = cut};
}

bool plain(const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= ' ' && c <= '~'); });
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

Options parse(std::vector<const char*> words) {
    words.insert(words.begin(), "sluice-fleet");
    return parse_options(static_cast<int>(words.size()), words.data());
}

core::Report report() {
    core::Report report{.state = "running", .uptime = milliseconds(90'000)};
    report.generations.push_back({.number = 3,
                                  .role = core::Report::Generation::Role::live,
                                  .release = "/srv/releases/" + std::string(60, 'x') + "/7",
                                  .workers = 4,
                                  .busy = 2,
                                  .in_flight = 2,
                                  .queued = 1});
    report.pools.resize(2);
    report.last_reload = {.outcome = core::Report::Reload::Outcome::done,
                          .ago = milliseconds(5'000),
                          .took = milliseconds(424)};
    return report;
}

} // namespace

TEST_CASE("A text fits, whatever it holds") {
    CHECK(fitted("web-1", 5) == "web-1");
    CHECK(fitted("web-10", 5) == "web..");
    CHECK(fitted("web-10", 2) == "we");
    CHECK(fitted("", 0).empty());
    CHECK(fitted("a\xc3\xa4z", 9) == "a?z");
    CHECK(plain(fitted(nasty, 80)));
    CHECK(table({{"A", "B"}, {"long", "x y"}}, 40) == "A     B\nlong  x y\n");
}

TEST_CASE("A frame has a line for each container and a bar") {
    auto board = board_of(3);
    end(board.rows[0], Outcome::Kind::done);
    board.rows[1].state = Row::State::under_way;
    board.rows[1].step = "proving";
    board.rows[1].took = milliseconds(140);
    const auto lines = frame(board, {.columns = 60, .lines = 24});
    REQUIRE(lines.size() == 4);
    CHECK(lines[0] == "web-0  done          600 ms");
    CHECK(lines[1] == "web-1  proving       140 ms");
    CHECK(lines[2].starts_with("web-2  waits"));
    CHECK(lines[3] == "[" + std::string(13, '#') + std::string(27, '.') + "] 1 of 3, 1.2 s");
    end(board.rows[1], Outcome::Kind::rolled_back, "it is broken");
    CHECK(frame(board, {.columns = 60, .lines = 24})[1] ==
          "web-1  ROLLED BACK   600 ms  it is broken");
    CHECK(has(frame(board, {.columns = 60, .lines = 24})[3], "2 of 3, 1.2 s, 1 failed"));
}

TEST_CASE("In a short window those that are under way and those that failed come first") {
    auto board = board_of(40);
    for (std::size_t at = 0; at < 20; ++at) end(board.rows[at], Outcome::Kind::done);
    end(board.rows[5], Outcome::Kind::failed, "no");
    for (std::size_t at = 20; at < 24; ++at) board.rows[at].state = Row::State::under_way;
    const auto lines = frame(board, {.columns = 80, .lines = 9});
    REQUIRE(lines.size() == 8);
    CHECK(lines[0].starts_with("web-0 ")); // room for one more
    CHECK(lines[1].starts_with("web-5 "));
    CHECK(lines[2].starts_with("web-20 "));
    CHECK(lines[5].starts_with("web-23 "));
    CHECK(lines[6] == "and 34 more");
    CHECK(has(lines[7], "20 of 40"));
}

TEST_CASE("No window is too small, and nothing wraps, scrolls or steers the terminal") {
    auto board = board_of(12);
    board.notice = nasty;
    board.rows[3].name = std::string(200, 'n');
    for (auto& row : board.rows) {
        row.state = Row::State::under_way;
        row.step = nasty;
    }
    end(board.rows[2], Outcome::Kind::failed, std::string(300, 'x') + nasty);
    for (const std::size_t count : {12U, 1U, 0U}) {
        board.rows.resize(count);
        for (std::size_t columns = 0; columns < 90; ++columns) {
            for (std::size_t lines = 0; lines < 20; ++lines) {
                const auto shown = frame(board, {.columns = columns, .lines = lines});
                REQUIRE(shown.size() <= std::max<std::size_t>(lines, 2) - 1);
                REQUIRE_FALSE(shown.empty());
                for (const auto& line : shown) {
                    REQUIRE(line.size() <= std::max<std::size_t>(columns, 2) - 1);
                    REQUIRE(plain(line + "\n"));
                }
            }
        }
        if (count == 0) board = board_of(12);
    }
}

TEST_CASE("The account") {
    auto board = board_of(4);
    end(board.rows[0], Outcome::Kind::done, "reload: done in 424 ms");
    end(board.rows[1], Outcome::Kind::rolled_back, "it is \x1b[2J broken");
    end(board.rows[2], Outcome::Kind::failed, "it has gone meanwhile");
    board.notice = "web-1 failed: nothing else was begun";
    CHECK(account_text(board) ==
          "CONTAINER  OUTCOME      TIME\n"
          "web-0      done         600 ms\n"
          "web-1      ROLLED BACK  600 ms  it is \\x1b[2J broken\n"
          "web-2      FAILED       600 ms  it has gone meanwhile\n"
          "web-3      not begun    -\n"
          "4 containers: 1 done, 1 rolled back, 1 failed, 1 not begun, in 1.2 s\n"
          "web-1 failed: nothing else was begun\n");
    CHECK(
        account_json(board) ==
        R"({"event":"account","task":"reload","containers":4,"done":1,"rolled_back":1,"failed":1,)"
        R"("left_undone":0,"not_begun":1,"took_ms":1200,)"
        R"("notice":"web-1 failed: nothing else was begun","all":[)"
        R"({"container":"web-0","outcome":"done","took_ms":600,"text":"reload: done in 424 ms"},)"
        R"({"container":"web-1","outcome":"rolled back","took_ms":600,"text":"it is \u001b[2J broken"},)"
        R"({"container":"web-2","outcome":"failed","took_ms":600,"text":"it has gone meanwhile"},)"
        R"({"container":"web-3","outcome":"not begun","took_ms":0,"text":""}]})");
}

TEST_CASE("The account of restarts counts what they cost") {
    auto board = board_of(3);
    board.counts_cut = true;
    end(board.rows[0], Outcome::Kind::done, "", 2);
    end(board.rows[1], Outcome::Kind::done);
    board.rows[2].state = Row::State::under_way;
    board.rows[2].took = milliseconds(5);
    board.rows[2].outcome.text = "the Engine goes on";
    CHECK(account_text(board) == "CONTAINER  OUTCOME      TIME    CUT\n"
                                 "web-0      done         600 ms  2\n"
                                 "web-1      done         600 ms  unknown\n"
                                 "web-2      LEFT UNDONE  5 ms    -        the Engine goes on\n"
                                 "3 containers: 2 done, 1 left undone, in 1.2 s; 2 requests cut, "
                                 "unknown of 2\n");
    CHECK(has(account_json(board), R"("cut":2,"cut_unknown_of":2,)"));
    CHECK(has(account_json(board),
              R"("container":"web-1","outcome":"done","took_ms":600,"text":"","cut":null})"));
}

TEST_CASE("The lines of what happens") {
    auto board = board_of(2);
    board.rows[0].step = "proving";
    CHECK(step_line(board.rows[0]) == "web-0: proving");
    CHECK(step_json(board.rows[0]) ==
          R"({"event":"step","container":"web-0","step":"proving","took_ms":0})");
    end(board.rows[0], Outcome::Kind::done, "x");
    CHECK(end_line(board, board.rows[0]) == "web-0: done in 600 ms (1 of 2): x");
    CHECK(end_json(board, board.rows[0]) ==
          R"({"event":"ended","container":"web-0","outcome":"done","took_ms":600,"text":"x"})");
}

TEST_CASE("The table of the node") {
    auto other = report();
    other.generations.push_back({.role = core::Report::Generation::Role::retiring, .queued = 0});
    other.last_reload.reset();
    const auto text = node_text({{.name = "web-1", .report = report()},
                                 {.name = "web-2", .report = other},
                                 {.name = "web-3", .trouble = "no sluice\x1b listens"}});
    CHECK(text ==
          "CONTAINER  STATE                  GENERATION  RELEASE                                   "
          "POOLS  BUSY    IN FLIGHT  QUEUE  LAST RELOAD              UP\n"
          "web-1      running                3           ..xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/7  "
          "2      2 of 4  2          1      done in 424 ms, 5 s ago  1 min\n"
          "web-2      running, one retiring  3           ..xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/7  "
          "2      2 of 4  ?          1      -                        1 min\n"
          "web-3      no sluice\\x1b listens\n");
    const auto json =
        node_json({{.name = "a", .report = report()}, {.name = "b", .trouble = "no"}});
    CHECK(json.starts_with(R"({"containers":[{"container":"a","status":{"version":)"));
    CHECK(json.ends_with(",{\"container\":\"b\",\"error\":\"no\"}]}\n"));
}

TEST_CASE("The command line") {
    const auto options = parse({"restart", "--label", "a=b", "--label", "c", "--name", "w*",
                                "--project", "p", "--canary", "w1", "--parallel", "3", "--pause",
                                "250ms", "--timeout", "30s", "--json"});
    CHECK(options.problem.empty());
    CHECK(options.task == Options::Task::restart);
    CHECK(options.choice.labels.size() == 2);
    CHECK(options.choice.names == std::vector<std::string>{"w*"});
    CHECK(options.choice.project == "p");
    CHECK(options.canary == "w1");
    CHECK(options.parallel == 3);
    CHECK(options.pause == milliseconds(250));
    CHECK(options.timeout == milliseconds(30'000));
    CHECK(options.json);
    const auto bare = parse({"reload"});
    CHECK(bare.task == Options::Task::reload);
    CHECK_FALSE(bare.parallel);
    CHECK(bare.timeout == std::chrono::minutes(2));
    CHECK(parse({"reload", "--parallel", "all"}).parallel.value_or(0) > 1'000'000);
    CHECK(parse({"status", "--json"}).task == Options::Task::status);
    CHECK(has(parse({"--version"}).text, "sluice-fleet 0."));
    CHECK(has(parse({"reload", "--help"}).text, "--canary"));
    CHECK(has(parse({"--help"}).text, "Exit status"));
    for (const auto& wrong : std::vector<std::vector<const char*>>{{},
                                                                   {"stop"},
                                                                   {"reload", "x"},
                                                                   {"status", "--parallel", "2"},
                                                                   {"reload", "--parallel", "0"},
                                                                   {"reload", "--parallel", "-1"},
                                                                   {"reload", "--pause", "1"},
                                                                   {"reload", "--timeout", ""},
                                                                   {"reload", "--label", "=b"},
                                                                   {"reload", "restart"}}) {
        CHECK_FALSE(parse(wrong).problem.empty());
    }
}

} // namespace sluice::fleet
