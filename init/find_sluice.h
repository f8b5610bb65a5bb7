#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/control/find.h"

namespace sluice {

/// Where `sluice status` and the like find the running sluice: `socket` (--socket), else
/// SLUICE_CONTROL_SOCKET, else control.socket of the configuration that PID 1 was started with (or,
/// where PID 1 is no sluice, of SLUICE_CONFIG or /etc/sluice.toml), else the usual places. Looks at
/// no more than that takes, since HEALTHCHECK asks often.
control::Places find_sluice(const std::optional<std::string>& socket,
                            const std::vector<std::string>& environment);

} // namespace sluice
