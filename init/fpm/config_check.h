#pragma once

#include <chrono>
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

/// A configuration for FPM that is the user's with what sluice needs to be different after it (the
/// last one wins). `config` is an absolute path. Nothing where the path has characters that FPM's
/// include would take for a pattern or for the end of the line.
std::optional<std::string> wrapper_config(const std::string& config,
                                          std::chrono::seconds control_timeout);

/// FPM's own escalation after QUIT (process_control_timeout; 0, its default, cuts every request at
/// once) has to come later than sluice's.
std::chrono::seconds control_timeout(std::optional<std::chrono::milliseconds> deadline);

} // namespace sluice::fpm
