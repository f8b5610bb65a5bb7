#pragma once

#include <chrono>

#include "fleet/engine/container.h"
#include "fleet/engine/engine.h"
#include "fleet/show/outcome.h"

namespace sluice::fleet {

/// Reloads one container by `sluice reload --wait` in it. The reload is PID 1's: it goes on when
/// the command, the Engine's connection or this program has gone, and after `limit`.
void reload(Engine& engine, const Container& container, std::chrono::milliseconds limit,
            OnStep on_step, OnOutcome on_outcome);

/// Why a command that was under way did not come to its end, by what has become of its container
/// since: it has ended, has gone, was started again; else `trouble`.
void explain(Engine& engine, const Container& before, std::string trouble,
             std::function<void(std::string)> on_sentence);

} // namespace sluice::fleet
