#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "fleet/container.h"
#include "fleet/engine/engine.h"
#include "fleet/engine/frames.h"

namespace sluice::fleet {

/// How a command in a container ended.
struct ExecEnd {
    std::optional<int> exit_code; // nothing: it could not be started or followed to its end
    std::string trouble;          // then why, as a sentence
    int status = 0;               // HTTP's, where that was the Engine's answer
};

struct ExecCalls {
    // Each line of its outputs as it came, so with any bytes.
    std::function<void(Channel, const std::string&)> on_line;
    std::function<void(ExecEnd)> on_end; // once, last
};

/// Runs `sluice WORD...` in a container as the container's own user, and follows its outputs. Where
/// one of the container's programs() cannot be executed the next is tried. What is not over within
/// `limit` is left alone, and goes on in the container. A line has at most `longest_line` bytes.
void exec_sluice(Engine& engine, const Container& container, std::vector<std::string> words,
                 std::chrono::milliseconds limit, std::size_t longest_line, ExecCalls calls);

} // namespace sluice::fleet
