#pragma once

#include <string>

#include "init/core/lifecycle.h"

namespace sluice {

/// The audit trail: one line per event with the state before and after it and the actions.
std::string trace(const core::Event& event, core::State before, core::State after,
                  const core::Actions& actions);

namespace core {

/// One action: "send QUIT 100", "arm deadline".
std::string to_text(const Action& action);

} // namespace core

} // namespace sluice
