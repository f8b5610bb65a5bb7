#pragma once

#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "fleet/choice.h"
#include "fleet/engine/engine.h"

namespace sluice::fleet {

/// The chosen containers, sorted by name, or a sentence on why nothing is done: the Engine cannot
/// be asked, none is chosen, or one is chosen whose first process is not sluice.
using Gathered = std::variant<std::vector<Container>, std::string>;

/// Asks the Engine for the running containers and then, in parallel, what each of those that may be
/// meant is.
void gather(Engine& engine, const Choice& choice, std::function<void(Gathered)> on_gathered);

} // namespace sluice::fleet
