#pragma once

#include <map>
#include <string>

namespace sluice::core {

/// Exit statuses that are sluice's own, as env(1), nohup(1) and the shells use them.
inline constexpr int exit_own_error = 125;
inline constexpr int exit_not_executable = 126;
inline constexpr int exit_not_found = 127;

/// What the container exits with for a wait status (waitpid's): the service's own exit status, or
/// 128+n if signal n ended it.
int exit_code(int wait_status);

/// "exited with status 3", "was ended by signal KILL".
std::string describe_end(int wait_status);

/// Exit status -> the one to give in its place (`--map-exit`).
using ExitMap = std::map<int, int>;
int mapped(const ExitMap& map, int code);

} // namespace sluice::core
