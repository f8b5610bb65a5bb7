#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fleet/show/board.h"

namespace sluice::fleet {

struct Window {
    std::size_t columns = 80;
    std::size_t lines = 24;

    bool operator==(const Window&) const = default;
};

/// The board as it stands on a terminal: a line for each container, the board's notice where there
/// is one, and last one bar for all. Never more lines than the window has less one, and none longer
/// than the window is wide less one, so that nothing wraps or scrolls. Where there are more
/// containers than lines, those that are under way come first, then those that failed, then the
/// rest, and a line tells how many are left out.
std::vector<std::string> frame(const Board& board, const Window& window);

} // namespace sluice::fleet
