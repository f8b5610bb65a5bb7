#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fleet {

/// The text in at most `columns` columns of a terminal: bytes that are not printable ASCII become
/// '?', for nobody knows how wide a terminal shows them, and what is too long is cut.
std::string fitted(std::string_view text, std::size_t columns);

/// Lines of cells, the columns below each other with two blanks between; the last cell of a line
/// may be as long as it likes. Cells are fitted() to `longest_cell`, but for the last one of a
/// line, which has to be one line without control characters.
std::string table(const std::vector<std::vector<std::string>>& lines, std::size_t longest_cell);

} // namespace sluice::fleet
