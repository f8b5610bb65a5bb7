#include "fleet/show/account.h"

#include <algorithm>
#include <optional>

#include "fleet/show/cells.h"
#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

using Row = Board::Row;
using os::json_string;
using os::one_line;

constexpr std::size_t longest_name = 60;

std::string outcome_of(const Row& row) {
    switch (row.state) {
    case Row::State::waiting: return "not begun";
    case Row::State::under_way: return "LEFT UNDONE";
    case Row::State::ended: return word_of(row.outcome.kind);
    }
    return {};
}

std::string json_outcome_of(const Row& row) {
    if (row.state == Row::State::waiting) return "not begun";
    if (row.state == Row::State::under_way) return "left undone";
    switch (row.outcome.kind) {
    case Outcome::Kind::done: return "done";
    case Outcome::Kind::rolled_back: return "rolled back";
    case Outcome::Kind::failed: return "failed";
    }
    return {};
}

std::string cut_of(const Row& row) {
    if (row.state != Row::State::ended) return "-";
    return row.outcome.cut ? std::to_string(*row.outcome.cut) : "unknown";
}

std::string row_json(const Board& board, const Row& row) {
    auto json = R"("container":)" + json_string(row.name) + R"(,"outcome":)" +
                json_string(json_outcome_of(row)) + R"(,"took_ms":)" +
                std::to_string(row.took.count()) + R"(,"text":)" + json_string(row.outcome.text);
    if (board.counts_cut) {
        json += R"(,"cut":)" + (row.outcome.cut ? std::to_string(*row.outcome.cut) : "null");
    }
    return json;
}

// What is known of it, and of how many nothing is.
struct Cost {
    std::int64_t cut = 0;
    std::int64_t unknown = 0;
};

Cost cost_of(const Board& board) {
    Cost cost;
    for (const auto& row : board.rows) {
        if (row.state == Row::State::waiting) continue;
        cost.cut += row.outcome.cut.value_or(0);
        if (!row.outcome.cut) ++cost.unknown;
    }
    return cost;
}

// They took their turns in another order.
std::vector<Row> by_name(std::vector<Row> rows) {
    std::ranges::stable_sort(rows, {}, &Row::name);
    return rows;
}

std::string summary(const Board& board) {
    auto text = core::count_of(static_cast<std::int64_t>(board.rows.size()), "container") + ": ";
    const auto add = [&](std::size_t count, const char* what) {
        if (count == 0) return;
        text += (text.ends_with(": ") ? "" : ", ") + std::to_string(count) + what;
    };
    add(board.count(Outcome::Kind::done), " done");
    add(board.count(Outcome::Kind::rolled_back), " rolled back");
    add(board.count(Outcome::Kind::failed), " failed");
    add(board.count(Row::State::under_way), " left undone");
    add(board.count(Row::State::waiting), " not begun");
    text += ", in " + core::in_words(board.elapsed);
    if (board.counts_cut) {
        const auto cost = cost_of(board);
        text += "; " + core::count_of(cost.cut, "request") + " cut";
        if (cost.unknown > 0) text += ", unknown of " + std::to_string(cost.unknown);
    }
    return text;
}

} // namespace

std::string step_line(const Row& row) {
    return one_line(row.name) + ": " + one_line(row.step);
}

std::string end_line(const Board& board, const Row& row) {
    auto line = one_line(row.name) + ": " + outcome_of(row) + " in " + core::in_words(row.took) +
                " (" + std::to_string(board.count(Row::State::ended)) + " of " +
                std::to_string(board.rows.size()) + ")";
    if (!row.outcome.text.empty()) line += ": " + one_line(row.outcome.text);
    return line;
}

std::string step_json(const Row& row) {
    return R"({"event":"step","container":)" + json_string(row.name) + R"(,"step":)" +
           json_string(row.step) + R"(,"took_ms":)" + std::to_string(row.took.count()) + "}";
}

std::string end_json(const Board& board, const Row& row) {
    return R"({"event":"ended",)" + row_json(board, row) + "}";
}

std::string account_text(const Board& board) {
    std::vector<std::vector<std::string>> lines{{"CONTAINER", "OUTCOME", "TIME"}};
    if (board.counts_cut) lines.front().emplace_back("CUT");
    lines.front().emplace_back("");
    for (const auto& row : by_name(board.rows)) {
        const bool begun = row.state != Row::State::waiting;
        const bool well = row.state == Row::State::ended && row.outcome.kind == Outcome::Kind::done;
        auto& line = lines.emplace_back(std::vector<std::string>{
            row.name, outcome_of(row), begun ? core::in_words(row.took) : "-"});
        if (board.counts_cut) line.push_back(cut_of(row));
        line.push_back(well ? "" : one_line(row.outcome.text));
    }
    auto text = table(lines, longest_name) + summary(board) + "\n";
    if (!board.notice.empty()) text += one_line(board.notice) + "\n";
    return text;
}

std::string account_json(const Board& board) {
    std::string rows;
    for (const auto& row : by_name(board.rows)) {
        rows += (rows.empty() ? "{" : ",{") + row_json(board, row) + "}";
    }
    auto json = R"({"event":"account","task":)" + json_string(board.task) + R"(,"containers":)" +
                std::to_string(board.rows.size()) + R"(,"done":)" +
                std::to_string(board.count(Outcome::Kind::done)) + R"(,"rolled_back":)" +
                std::to_string(board.count(Outcome::Kind::rolled_back)) + R"(,"failed":)" +
                std::to_string(board.count(Outcome::Kind::failed)) + R"(,"left_undone":)" +
                std::to_string(board.count(Row::State::under_way)) + R"(,"not_begun":)" +
                std::to_string(board.count(Row::State::waiting)) + R"(,"took_ms":)" +
                std::to_string(board.elapsed.count());
    if (board.counts_cut) {
        const auto cost = cost_of(board);
        json += R"(,"cut":)" + std::to_string(cost.cut) + R"(,"cut_unknown_of":)" +
                std::to_string(cost.unknown);
    }
    return json + R"(,"notice":)" + json_string(board.notice) + R"(,"all":[)" + rows + "]}";
}

} // namespace sluice::fleet
