#pragma once

#include <sys/types.h>

#include <optional>

#include "signals/rule.h"

namespace sluice::os {

/// A plain init for when the loop is no more: reads signals and reaps until `service` has ended,
/// and gives its wait status. Drain signals reach the service as `stop_signal` (nothing: as they
/// came), the others as the rules say; there is no deadline. It allocates nothing and throws
/// nothing, for the reason for being here may be a lack of memory.
/// Nothing if there is no such child.
std::optional<int> plain_init(pid_t service, std::optional<int> stop_signal,
                              const signals::Rules& rules) noexcept;

} // namespace sluice::os
