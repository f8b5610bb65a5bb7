#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::fpm {

/// FPM's exit status for an option that it does not know; it then writes its usage.
inline constexpr int usage_error = 64;

/// The file that FPM read, from what `php-fpm -t` wrote. Nothing where it wrote nothing, as it
/// does with a log_level above notice.
std::optional<std::string> config_path_in(const std::string& output);

/// Where FPM of this name ("php-fpm8.2") looks for its configuration on Debian, in the official
/// images, on Alpine and on Fedora, the likeliest first. For when it does not tell.
std::vector<std::string> usual_config_paths(const std::string& program);

/// What FPM complained of, one line for each complaint: without its time stamps, and each only
/// once (with error_log = /proc/self/fd/2 it writes every line twice).
std::string complaints_in(const std::string& output);

/// What to do about a complaint that does not say it, to be put behind it ("; ..."); mostly empty.
std::string cure_for(const std::string& complaints);

} // namespace sluice::fpm
