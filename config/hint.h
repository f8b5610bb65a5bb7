#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::config {

/// The candidate that `text` is most likely a misspelling of, upper and lower case being the same;
/// nothing where none is near.
std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates);

/// `; did you mean X?` with the nearest candidate, or nothing.
std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates);

/// The message for a key that the table does not have, `section` empty at the top of the file.
std::string unknown_key(std::string_view section, std::string_view name);

/// The message for a table that is no section, below another one or, `section` being empty, at the
/// top of the file.
std::string unknown_section(std::string_view section, std::string_view name);

/// The message for a variable that starts with SLUICE_ and is not known.
std::string unknown_variable(std::string_view name);

} // namespace sluice::config
