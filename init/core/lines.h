#pragma once

#include <algorithm>
#include <string_view>

namespace sluice::core {

/// Takes the first line off a text that is not empty, and gives it without its '\n'.
inline std::string_view take_line(std::string_view& text) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    return line;
}

} // namespace sluice::core
