#include "fleet/show/board.h"

#include <algorithm>

namespace sluice::fleet {

std::size_t Board::count(Row::State state) const {
    return static_cast<std::size_t>(std::ranges::count(rows, state, &Row::state));
}

std::size_t Board::count(Outcome::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count_if(rows, [&](const Row& row) {
        return row.state == Row::State::ended && row.outcome.kind == kind;
    }));
}

std::string word_of(Outcome::Kind kind) {
    switch (kind) {
    case Outcome::Kind::done: return "done";
    case Outcome::Kind::rolled_back: return "ROLLED BACK";
    case Outcome::Kind::failed: return "FAILED";
    }
    return {};
}

} // namespace sluice::fleet
