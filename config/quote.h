#pragma once

#include <string>
#include <string_view>

namespace sluice::config {

/// The text with control characters, quotes and backslashes as TOML's escapes, and bytes that are
/// no UTF-8 as \xNN: one line that harms no terminal and no log.
std::string escaped(std::string_view text);

/// The same for a message, cut to a length that leaves the message readable.
std::string shown(std::string_view text);

/// shown() in double quotes; what was cut is told: "aaaa..." (3000 bytes).
std::string quoted(std::string_view text);

/// True for what a TOML file can hold.
bool is_utf8(std::string_view text);

/// A TOML string whose value is `text`, which is UTF-8.
std::string toml_string(std::string_view text);

} // namespace sluice::config
