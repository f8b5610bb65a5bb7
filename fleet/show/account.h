#pragma once

#include <string>

#include "fleet/show/board.h"

namespace sluice::fleet {

// What is said of a roll-out as plain lines. Nothing said holds a control character.

/// "web-1: begins", "web-1: proving": a step of a container that is under way. A line without its
/// newline, as are the others.
std::string step_line(const Board::Row& row);

/// "web-1: done in 0.6 s (3 of 40): reload: done in 424 ms, ...".
std::string end_line(const Board& board, const Board::Row& row);

/// The same as JSON objects: {"event":"step",...}, {"event":"ended",...}.
std::string step_json(const Board::Row& row);
std::string end_json(const Board& board, const Board::Row& row);

/// The last word: the table of all containers, why some failed, and a line with how many, how long
/// and what it cost.
std::string account_text(const Board& board);

/// The same as one JSON object on one line.
std::string account_json(const Board& board);

} // namespace sluice::fleet
