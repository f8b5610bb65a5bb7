#pragma once

#include <optional>
#include <string>

#include "config/problem.h"
#include "init/core/plan.h"

namespace sluice {

/// What the command line asks for.
struct CommandLine {
    enum class Task { run, check, say } task = Task::run;
    std::optional<std::string> config; // --config
    core::Options options;
    bool print = false;        // check --print
    std::string text;          // to say: help or version; with a problem: how to call it
    config::Problems problems; // what is wrong with it
};

/// Reads `sluice [options] [--] COMMAND [ARG...]` and `sluice check [options] [--] [COMMAND ...]`.
/// A command that is itself called "check" goes behind "--".
CommandLine parse_command_line(int argc, const char* const* argv);

} // namespace sluice
