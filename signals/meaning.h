#pragma once

#include <vector>

#include "signals/inbox.h"
#include "signals/rule.h"

namespace sluice::signals {

/// What a signal means under these rules. CHLD is sluice's own affair and means nothing here.
Rule meaning_of(int signal, const Rules& rules);

/// Puts a batch in order of importance: drains, then reloads, then the rest in the order in which
/// they came. So a stop wins over a reload that came in the same instant.
void sort_by_importance(std::vector<Received>& batch, const Rules& rules);

} // namespace sluice::signals
