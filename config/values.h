#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "config/settings.h"

namespace sluice::config {

/// More than this is taken for a slip of the pen.
inline constexpr Duration longest_duration = std::chrono::hours{24};

/// unix(7): sun_path has 108 bytes, and one is for the NUL.
inline constexpr std::size_t longest_socket_path = 107;

using Header = std::pair<std::string, std::string>;

/// "8s", "250ms", "2m", "1h", "0s": a whole number and its unit, at most longest_duration.
/// Nothing where the text is anything else; so do the others.
std::optional<Duration> parse_duration(std::string_view text);

/// "100ms..5s": the first pause, at least 1 ms, and the longest, which is no shorter.
std::optional<Backoff> parse_backoff(std::string_view text);

/// "5 in 60s": 1 to 1000 deaths, a window of at least 1 s.
std::optional<RestartLimit> parse_restart_limit(std::string_view text);

/// "25": digits only, from `first` to `last`.
std::optional<int> parse_number(std::string_view text, int first, int last);

/// "Host: example.org": a name of the letters that HTTP allows, and a value, which may be empty,
/// of one line. All after the colon and one blank is the value.
std::optional<Header> parse_header(std::string_view text);

/// "Host", "GET": one letter or more of those that HTTP allows in names.
bool is_token(std::string_view text);

/// "/health?full=1": begins with a slash, and has neither blanks nor control characters, which no
/// client can send.
bool is_uri(std::string_view text);

/// Begins with a slash, and holds no NUL; UTF-8, as the environment may have other bytes, which
/// no TOML file can show.
bool is_absolute_path(std::string_view text);

/// An absolute path of at most longest_socket_path bytes, "@" or "off".
bool is_control_socket(std::string_view text);

/// Neither empty nor with a control character.
bool is_name(std::string_view text);

/// What the parsers read back as the same value, in the largest unit that is exact: "90s", "2m".
std::string text_of(Duration duration);
std::string text_of(const Backoff& backoff);
std::string text_of(const RestartLimit& limit);

} // namespace sluice::config
