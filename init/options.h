#pragma once

#include <optional>
#include <string>

#include "config/problem.h"
#include "init/control/request.h"
#include "init/core/plan.h"

namespace sluice {

/// What the command line asks for.
struct CommandLine {
    enum class Task { run, check, ask, say } task = Task::run;
    std::optional<std::string> config; // --config
    core::Options options;
    bool print = false;                                  // check --print
    control::Request request = control::Request::status; // to ask the running sluice
    std::optional<std::string> socket;                   // --socket of a request
    bool json = false;                                   // status --json
    std::string text;          // to say: help or version; with a problem: how to call it
    config::Problems problems; // what is wrong with it
};

/// Reads `sluice [options] [--] COMMAND [ARG...]`, `sluice check [options] [--] [COMMAND ...]` and
/// the requests to the running sluice: `reload [--wait]`, `status [--json]`, `stop [--now]`,
/// `health`, each with `--socket`. A command that is itself called as one of these goes behind
/// "--".
CommandLine parse_command_line(int argc, const char* const* argv);

} // namespace sluice
