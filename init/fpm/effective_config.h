#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::fpm {

/// One pool as FPM understood it. A text that is not set is empty; a number that is not set is
/// FPM's own default.
struct Pool {
    std::string name;
    std::string prefix;
    std::string user;
    std::string group;
    std::string listen; // a path is absolute: FPM has put its prefix before it
    std::string listen_owner;
    std::string listen_group;
    std::string listen_mode; // "0660"
    std::string acl_users;
    std::string acl_groups;
    std::string allowed_clients; // "127.0.0.1,::1"
    std::string pm;              // "static", "dynamic", "ondemand"
    std::string status_path;
    std::string status_listen; // PHP 8.0 and later
    std::string ping_path;
    std::string ping_response;
    std::string chroot;
    std::string chdir;
    int backlog = -1; // -1: as large as the kernel allows
    int max_children = 0;
    int start_servers = 0;
    int min_spare_servers = 0;
    int max_spare_servers = 0;
    std::chrono::seconds request_terminate_timeout{0}; // 0: none
    bool clear_env = true;
    bool catch_workers_output = false;

    bool operator==(const Pool&) const = default;
};

/// What `php-fpm -tt` says that it would run with.
struct EffectiveConfig {
    std::vector<Pool> pools; // in FPM's order, which is not always the file's
    std::string pid;
    std::string error_log;
    bool daemonize = true;
    bool knows_status_listen = false;                // PHP 8.0 and later
    std::chrono::seconds process_control_timeout{0}; // 0: FPM escalates at once
    int process_max = 0;                             // of all pools together; 0: no limit
    std::string file;                                // what FPM read, as it names it

    bool operator==(const EffectiveConfig&) const = default;
};

/// Reads what `php-fpm -tt` printed with log_level = notice, of PHP 7.4 to 8.4. Nothing where there
/// is no pool: FPM says nothing with a higher log_level, and nothing of its pools where the
/// configuration is wrong. Nor where its last line, with the file's name, is missing: then pools
/// may be, too. Environment variables and PHP's own settings of a pool, which may be secrets, are
/// not kept. FPM cuts a line, its time included, at log_limit (1,024 bytes by default, and never
/// more than 2,048 here) and then ends it with "...": listen.allowed_clients can be that long.
std::optional<EffectiveConfig> parse_effective_config(const std::string& output);

} // namespace sluice::fpm
