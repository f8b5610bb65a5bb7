#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fleet/engine/engine.h"
#include "fleet/engine/frames.h"

namespace sluice::fleet {

/// How a command in a container ended.
struct ExecEnd {
    std::optional<int> exit_code; // nothing: it could not be started or followed to its end
    std::string trouble;          // then why, as a sentence
    int status = 0;               // HTTP's, where that was the Engine's answer
    bool direct = false;          // it was no command: sluice itself was asked
};

struct ExecCalls {
    // Each line of its outputs as it came, so with any bytes.
    std::function<void(Channel, const std::string&)> on_line;
    std::function<void(ExecEnd)> on_end; // once, last
};

/// What to run in a container, as the container's own user.
struct Command {
    std::string container; // its id
    std::vector<std::string>
        programs;                   // at least one; where one cannot be executed the next is tried
    std::vector<std::string> words; // behind it
    std::chrono::milliseconds limit{0};
    std::size_t longest_line = 4'096; // of its outputs; more is cut
};

/// Runs it and follows its outputs. What is not over within the limit is left alone, and goes on in
/// the container.
void execute(Engine& engine, Command command, ExecCalls calls);

} // namespace sluice::fleet
