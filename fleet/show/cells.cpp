#include "fleet/show/cells.h"

#include <algorithm>

namespace sluice::fleet {

std::string fitted(std::string_view text, std::size_t columns) {
    std::string shown;
    for (const char c : text) {
        const bool follows = (static_cast<unsigned char>(c) & 0xC0U) == 0x80; // within a character
        if (follows) continue;
        shown += c >= ' ' && c <= '~' ? c : '?';
    }
    if (shown.size() <= columns) return shown;
    if (columns < 4) return shown.substr(0, columns);
    return shown.substr(0, columns - 2) + "..";
}

std::string table(const std::vector<std::vector<std::string>>& lines, std::size_t longest_cell) {
    std::vector<std::size_t> widths;
    for (const auto& line : lines) {
        for (std::size_t at = 0; at + 1 < line.size(); ++at) {
            if (widths.size() <= at) widths.push_back(0);
            widths[at] = std::max(widths[at], fitted(line[at], longest_cell).size());
        }
    }
    std::string text;
    for (const auto& line : lines) {
        std::string shown;
        for (std::size_t at = 0; at < line.size(); ++at) {
            if (at + 1 == line.size()) {
                shown += line[at];
                break;
            }
            auto cell = fitted(line[at], longest_cell);
            cell.resize(widths[at] + 2, ' ');
            shown += cell;
        }
        shown.erase(shown.find_last_not_of(' ') + 1);
        text += shown + "\n";
    }
    return text;
}

} // namespace sluice::fleet
