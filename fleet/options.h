#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fleet/choice.h"

namespace sluice::fleet {

/// What the command line asks for.
struct Options {
    enum class Task : std::uint8_t { say, reload, restart, status };

    Task task = Task::say;
    Choice choice;
    std::string canary;                  // empty: the first by name
    std::optional<std::size_t> parallel; // nothing: the task's default
    std::chrono::milliseconds pause{0};
    std::chrono::milliseconds timeout{0};
    bool json = false;
    std::string text;    // to say: help or version; with a problem: how to call it
    std::string problem; // what is wrong with it, as a sentence
};

/// Reads `sluice-fleet reload | restart | status [OPTIONS]`.
Options parse_options(int argc, const char* const* argv);

} // namespace sluice::fleet
