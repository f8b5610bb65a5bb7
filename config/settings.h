#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "signals/rule.h"

namespace sluice::config {

using Duration = std::chrono::milliseconds;

enum class Kind { php_fpm, nginx, plain };
enum class Restart { no, on_failure, always };
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

/// What the operator wrote, checked; nothing means "not written", and then the kind of service
/// chooses (init/core/plan has those defaults). Plain data.
struct Settings {
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
        std::optional<LogLevel> level;
        LogFormat format = LogFormat::text;
    } log;
};

} // namespace sluice::config
