#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace sluice::os {

/// A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD, so that the line is always
/// valid JSON, whatever a path or an error message holds. Control characters, those of two bytes
/// and those that turn the direction of writing included, are escaped: it can be shown on a
/// terminal.
std::string json_string(std::string_view text);

std::string json_value(const std::variant<std::string, std::int64_t>& value);

/// The text with control characters (newlines above all) as "\n", "\x1b", "\u009b": one line stays
/// one line, and no log can steer a terminal.
std::string one_line(std::string_view text);

} // namespace sluice::os
