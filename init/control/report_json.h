#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "init/core/report.h"

namespace sluice::control {

/// No list of a report is sent with more entries than this, and no text with more bytes: a report
/// stays well below what a client may make the server keep (Session), whatever is in flight.
inline constexpr std::size_t most_entries = 100;
inline constexpr std::size_t longest_text = 1'000;

/// One JSON object on one line, valid UTF-8 and without a control character, whatever the texts
/// hold. Durations are whole milliseconds, "..._ms"; what is not known is null.
std::string encode_report(const core::Report& report);

/// What encode_report wrote; nothing where a member is missing or of another type.
std::optional<core::Report> parse_report(std::string_view json);

} // namespace sluice::control
