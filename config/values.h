#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace sluice::config {

/// More than this is taken for a slip of the pen.
inline constexpr Duration longest_duration = std::chrono::hours{24};

/// "8s", "250ms", "2m", "1h", "0s": a whole number and its unit, at most longest_duration.
/// Nothing where the text is anything else; so do the others.
std::optional<Duration> parse_duration(std::string_view text);

/// "100ms..5s": the first pause, at least 1 ms, and the longest, which is no shorter.
std::optional<Backoff> parse_backoff(std::string_view text);

/// "5 in 60s": 1 to 1000 deaths, a window of at least 1 s.
std::optional<RestartLimit> parse_restart_limit(std::string_view text);

/// What the parsers read back as the same value, in the largest unit that is exact: "90s", "2m".
std::string text_of(Duration duration);
std::string text_of(const Backoff& backoff);
std::string text_of(const RestartLimit& limit);

} // namespace sluice::config
