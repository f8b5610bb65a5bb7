#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::fpm {

/// What sluice needs a pool to have; an empty text or a 0 leaves it as it is.
struct PoolOverride {
    std::string name;
    std::string listen; // the key in FPM_SOCKETS
    std::string status_listen;
    std::string status_path;
    std::string ping_path;
    std::string allowed_clients;
    std::string chdir; // without `"`, backslash, newline and "${"
    int start_servers = 0;
    int max_spare_servers = 0;
    bool fresh_files = false; // opcache.file_update_protection is 0

    bool operator==(const PoolOverride&) const = default;
};

struct Overrides {
    int process_max = 0; // 0: as it is
    std::string pid;     // empty: as it is
    std::vector<PoolOverride> pools;
};

/// The line that includes the user's file, an absolute path. Nothing where the path has characters
/// that FPM's include would take for a pattern or for the end of the line.
std::optional<std::string> include_of(const std::string& config);

/// A configuration for FPM that is the user's, with what sluice needs to be different after it:
/// FPM amends a section that is opened again, and the last value wins. `users` is an include_of()
/// or a Snapshot's text.
std::string wrapper_config(const std::string& users, std::chrono::seconds control_timeout,
                           const Overrides& overrides);

/// One that makes `php-fpm -tt` print, which it does not with a log_level above notice, and print
/// to stderr alone.
std::string talkative_config(const std::string& users);

/// FPM's own escalation after QUIT (process_control_timeout; 0, its default, cuts every request at
/// once) has to come later than sluice's.
std::chrono::seconds control_timeout(std::optional<std::chrono::milliseconds> deadline);

} // namespace sluice::fpm
