#pragma once

#include <chrono>
#include <cstddef>

#include "fleet/engine/container.h"
#include "fleet/engine/engine.h"
#include "fleet/engine/exec.h"
#include "init/control/request.h"

namespace sluice::fleet {

/// What to ask the sluice of a container: reload_wait, status or health.
struct Question {
    control::Request request;
    std::chrono::milliseconds limit{0};
    std::size_t longest_line = 4'096; // of its answer; more is cut
    // It was started a moment ago: that nobody listens is then no reason to run a command.
    bool just_started = false;
};

/// True if its control socket may be reached without the Engine: we are root, and the Engine is
/// asked over a unix socket, and the container runs.
bool asks_directly(const Engine& engine, const Container& container);

/// Asks as `sluice reload --wait`, `sluice status --json` or `sluice health` in the container do,
/// and calls back with the lines and the exit status that they give. By the control socket itself
/// where asks_directly() and it can be reached: that takes 5 ms of processor time instead of 80
/// (tests/docker/run fleet/forty). Else by a command in the container.
void ask_sluice(Engine& engine, const Container& container, Question question, ExecCalls calls);

} // namespace sluice::fleet
