#include "fleet/show/frame.h"

#include <algorithm>
#include <numeric>

#include "fleet/show/cells.h"
#include "init/core/words.h"

namespace sluice::fleet {

namespace {

using Row = Board::Row;

constexpr std::size_t longest_name = 40;
constexpr std::size_t longest_bar = 40;

std::string state_of(const Row& row) {
    switch (row.state) {
    case Row::State::waiting: return "waits";
    case Row::State::under_way: return row.step;
    case Row::State::ended: return word_of(row.outcome.kind);
    }
    return {};
}

std::string line_of(const Row& row, std::size_t name_width) {
    auto line = fitted(row.name, name_width);
    line.resize(name_width + 2, ' ');
    auto state = fitted(state_of(row), 14);
    state.resize(14, ' ');
    line += state;
    if (row.state != Row::State::waiting) line += core::in_words(row.took);
    const bool bad = row.state == Row::State::ended && row.outcome.kind != Outcome::Kind::done;
    if (bad) line += "  " + row.outcome.text;
    return line;
}

// What matters most comes first where not all have room.
int rank_of(const Row& row) {
    if (row.state == Row::State::under_way) return 0;
    if (row.state == Row::State::waiting) return 3;
    return row.outcome.kind == Outcome::Kind::done ? 2 : 1;
}

// The rows to show, in their own order.
std::vector<std::size_t> shown_rows(const Board& board, std::size_t room) {
    std::vector<std::size_t> all(board.rows.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    if (all.size() <= room) return all;
    std::ranges::stable_sort(all, {}, [&](std::size_t at) { return rank_of(board.rows[at]); });
    all.resize(room);
    std::ranges::sort(all);
    return all;
}

std::string bar_of(const Board& board, std::size_t columns) {
    const auto ended = board.count(Row::State::ended);
    const auto failed = ended - board.count(Outcome::Kind::done);
    auto text = " " + std::to_string(ended) + " of " + std::to_string(board.rows.size()) + ", " +
                core::in_words(board.elapsed);
    if (failed > 0) text += ", " + std::to_string(failed) + " failed";
    const auto room = columns > text.size() + 2 ? columns - text.size() - 2 : 0;
    const auto width = std::min(room, longest_bar);
    if (width < 4) return text.substr(1);
    const auto full = board.rows.empty() ? 0 : width * ended / board.rows.size();
    return "[" + std::string(full, '#') + std::string(width - full, '.') + "]" + text;
}

} // namespace

std::vector<std::string> frame(const Board& board, const Window& window) {
    const auto columns = std::max<std::size_t>(window.columns, 2) - 1;
    const auto room = std::max<std::size_t>(window.lines, 2) - 1;
    std::vector<std::string> lines;
    // The bar always, above it the notice where there is one, and a line for those left out.
    const bool notice = !board.notice.empty() && room > 1;
    const auto for_rows = room - (notice ? 2 : 1);
    const bool all = board.rows.size() <= for_rows;
    const auto shown =
        shown_rows(board, all ? for_rows : for_rows - std::min<std::size_t>(for_rows, 1));
    std::size_t name_width = 0;
    for (const auto at : shown) name_width = std::max(name_width, board.rows[at].name.size());
    name_width = std::min({name_width, longest_name, std::max<std::size_t>(columns / 2, 1)});
    lines.reserve(shown.size() + 3);
    for (const auto at : shown) lines.push_back(line_of(board.rows[at], name_width));
    if (!all && for_rows > 0) {
        lines.push_back("and " + std::to_string(board.rows.size() - shown.size()) + " more");
    }
    if (notice) lines.push_back(board.notice);
    lines.push_back(bar_of(board, columns));
    for (auto& line : lines) line = fitted(line, columns);
    return lines;
}

} // namespace sluice::fleet
