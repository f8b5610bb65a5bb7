#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "signals/rule.h"

namespace sluice::config {

using Duration = std::chrono::milliseconds;

enum class Kind { php_fpm, nginx, plain };
enum class Restart { no, on_failure, always };
enum class Strategy { switch_over, shared, signal };
enum class LowMemory { refuse, proceed, signal };
enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json };

/// The pause before a service that died is started again: it doubles from `first` to `longest`.
struct Backoff {
    Duration first{100};
    Duration longest{5'000};

    bool operator==(const Backoff&) const = default;
};

/// How often a service may die before sluice gives up: `count` times within `window`.
struct RestartLimit {
    int count = 5;
    Duration window{60'000};

    bool operator==(const RestartLimit&) const = default;
};

/// A command that has to succeed before a new generation is started.
struct ReloadCheck {
    std::vector<std::string> command;
    Duration timeout{10'000};

    bool operator==(const ReloadCheck&) const = default;
};

/// Requests that a new generation gets before its first user does.
struct Warmup {
    std::string pool;   // empty: the only one
    std::string script; // SCRIPT_FILENAME, as the web server passes it
    std::string uri;    // empty: "/" and the script's file name
    std::string method = "GET";
    std::vector<std::pair<std::string, std::string>> headers; // "Host", "example.org"
    std::string body;
    int count = 1;            // so many requests
    int concurrency = 1;      // so many of them at a time
    int status = 200;         // what each has to be answered with
    std::string text;         // what each answer has to hold; empty: anything
    Duration timeout{10'000}; // of each request

    bool operator==(const Warmup&) const = default;
};

/// What the operator wrote, checked; nothing means "not written", and then the kind of service
/// chooses (init/core/plan has those defaults). Plain data.
struct Settings {
    std::string file; // that they were read from; empty: there is none

    struct {
        std::vector<std::string> command;
        std::optional<Kind> kind;
        std::optional<int> stop_signal;
        std::optional<Restart> restart;
        Backoff restart_backoff;
        RestartLimit restart_limit;
    } service;

    signals::Rules signals;

    struct {
        Duration announce{0};
        Duration queue{2'000};
        std::optional<Duration> deadline; // 0: none
        Duration kill_after{500};
        Duration linger{0};
    } drain;

    struct {
        Strategy strategy = Strategy::switch_over;
        std::optional<std::string> release; // a symlink's absolute path
        std::vector<ReloadCheck> checks;    // [[reload.check]]
        Duration ready{10'000};
        std::vector<Warmup> warmups; // [[reload.warmup]]
        Duration retire{60'000};
        Duration splay{0};
        std::vector<std::string> watch; // absolute paths
        std::optional<std::string> slots_dir;
        int slots = 1;
        LowMemory low_memory = LowMemory::refuse;
    } reload;

    struct {
        // An absolute path, "@" for an abstract one, "off" for none. Nothing: /run/sluice.sock
        // where that can be written, else abstract.
        std::optional<std::string> socket;
    } control;

    struct {
        std::optional<LogLevel> level;
        LogFormat format = LogFormat::text;
    } log;
};

} // namespace sluice::config
