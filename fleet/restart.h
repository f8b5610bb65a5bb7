#pragma once

#include <chrono>

#include "fleet/engine/container.h"
#include "fleet/engine/engine.h"
#include "fleet/show/outcome.h"

namespace sluice::fleet {

/// Restarts one container by the Engine's own call, which stops it within the container's stop
/// timeout and starts it, also when this program has gone meanwhile; then waits until it is up, for
/// at most `limit`. Up is: the container's own health check says so, or, where it has none or only
/// sluice's, `sluice health` does. A container that stands still after it all is started once more.
void restart(Engine& engine, const Container& container, std::chrono::milliseconds limit,
             OnStep on_step, OnOutcome on_outcome);

} // namespace sluice::fleet
