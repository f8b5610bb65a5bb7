#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/settings.h"
#include "init/core/exit_status.h"
#include "signals/rule.h"

namespace sluice::core {

/// What the command line says beside the configuration, and above it.
struct Options {
    std::vector<std::string> command; // empty: service.command
    signals::Rules rewrites;          // --signal FROM:TO
    ExitMap map_exit;                 // --map-exit FROM:TO
    bool group = false;               // --group
};

/// How the service is stopped.
struct Stop {
    std::optional<int> signal; // nothing: the drain signal, as it came
    // From the drain signal's arrival to SIGTERM, and from that to SIGKILL.
    std::optional<config::Duration> deadline;
    config::Duration kill_after{500};
    // FPM dies of a signal that comes before it has installed its handlers, in its first 40 ms, and
    // the container then exits with 131 instead of 0. So the stop signal is held back until the
    // service catches it, but no longer than this. 0: it is sent at once.
    config::Duration hold{0};

    // It stops accepting, ends idle connections and finishes what is in flight on its signal alone,
    // as nginx does; so it gets that as soon as its queue is empty, and not FPM's SIGTERM when
    // idle. Its workers do the same when they are left without a master.
    bool finishes_itself = false;

    bool owns_listeners = false;     // sluice has bound some of the service's listeners
    bool owns_all_listeners = false; // and the service has no others
    config::Duration announce{0};    // how long new connections are still taken
    config::Duration queue{2'000};   // see Drain::Phase::queueing
    config::Duration linger{0};      // how long they are refused after the service's end

    bool operator==(const Stop&) const = default;
};

/// How the service is given a new generation.
struct Reloading {
    config::Strategy strategy = config::Strategy::signal; // the service reloads by itself
    bool checked = false;  // its configuration can be read again and checked before it does
    bool warms_up = false; // a next generation has requests of the user's to answer first
    config::LowMemory low_memory = config::LowMemory::refuse;
    config::Duration ready{10'000};
    config::Duration retire{60'000};

    bool operator==(const Reloading&) const = default;
};

/// What to do when the service ends by itself.
struct Restarting {
    config::Restart when = config::Restart::no;
    config::Backoff backoff;
    config::RestartLimit limit;
    std::set<int> never_after; // exit statuses that a new start cannot mend

    bool operator==(const Restarting&) const = default;
};

/// All that sluice needs to know about the service. Made once from the command and the settings
/// by what the kind of service asks for; the rest of sluice knows no kinds.
struct Plan {
    config::Kind kind = config::Kind::plain;
    std::string name;                 // of the program, for the log: "php-fpm8.2"
    std::vector<std::string> command; // what is executed
    std::string release;              // the folder that reload.release led to; empty: none
    // The wrapper config's text; empty: FPM reads its own. It includes the user's file, also where
    // FPM gets a copy of that in its place.
    std::string fpm_config;
    signals::Rules signals;             // those that are not simply forwarded as they came
    std::vector<std::string> listeners; // those that sluice owns, for people to read
    std::string features; // what the kernel lets be done with them, and what is done instead
    bool answers = false; // it is ready when it answers, not when it handles signals
    std::optional<int> reload_signal; // the service's own way to reload; nothing: it has none
    Reloading reload;
    Stop stop;
    Restarting restarting;
    ExitMap map_exit;
    bool signal_group = false; // forward to the service's whole process group
    config::LogLevel log_level = config::LogLevel::info;
    std::vector<std::string> notices; // what sluice has to do without, why, and the cure
};

/// The plan for a command of this kind. FPM's own part (arguments, wrapper config) is added by
/// prepare.
Plan make_plan(config::Kind kind, const std::vector<std::string>& command,
               const config::Settings& settings, const Options& options);

/// FPM's exit status for a configuration that it does not take: starting it again cannot help.
inline constexpr int fpm_config_error = 78;

/// As the configuration calls it: "php-fpm".
const char* to_string(config::Kind kind);

/// The plan as `sluice check` prints it, one thing a line.
std::string describe(const Plan& plan);

} // namespace sluice::core
