#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace sluice::core {

/// What `sluice status` shows: a snapshot by value, made when somebody asks. Texts may hold any
/// bytes (clients choose URIs, operators names); who shows them sees to that. A count that is
/// nothing is not known, which is not 0.
struct Report {
    using Duration = std::chrono::milliseconds;

    struct Generation {
        enum class Role { live, next, retiring };

        int number = 1; // from 1, in the order of their start
        Role role = Role::live;
        pid_t pid = 0; // the master's; 0: it does not run
        Duration age{0};
        std::string release; // the folder that reload.release led to; empty: none
        std::optional<int> workers;
        std::optional<int> busy; // of these
        std::optional<int> in_flight;
        std::vector<std::string> requests; // some of those in flight: "GET /slow.php, 1.2 s"
        std::optional<int> queued;         // connections that wait to be accepted, all addresses

        bool operator==(const Generation&) const = default;
    };

    /// A pool of the live generation.
    struct Pool {
        std::string name;
        std::string listen; // "127.0.0.1:9000", a path
        std::optional<int> idle;
        std::optional<int> busy;
        std::optional<int> queue;
        std::optional<int> max_children;

        bool operator==(const Pool&) const = default;
    };

    struct Step {
        std::string name; // "check", "warm-up"
        Duration took{0};

        bool operator==(const Step&) const = default;
    };

    struct Reload {
        enum class Outcome { running, done, rolled_back, refused };

        Outcome outcome = Outcome::running;
        std::string asked_by; // "HUP from pid 1", "sluice reload"
        Duration ago{0};      // since it was asked for
        Duration took{0};     // so far, while it runs
        std::string step;     // under way; empty: none
        std::string reason;   // of a rollback or a refusal
        std::vector<Step> steps;
        std::vector<std::string> stderr_lines; // the failed generation's last ones

        bool operator==(const Reload&) const = default;
    };

    std::string version;
    std::string service; // its name: "php-fpm8.2"
    std::string kind;    // "php-fpm"
    std::string state;   // "running", "reloading", "draining"
    Duration uptime{0};
    std::vector<Generation> generations;
    std::vector<Pool> pools;
    std::optional<Reload> last_reload;
    bool reload_waits = false;        // another one runs once this one has ended
    std::vector<std::string> notices; // about the configuration

    bool operator==(const Report&) const = default;
};

} // namespace sluice::core
