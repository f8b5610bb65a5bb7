#pragma once

#include "config/findings.h"
#include "config/settings.h"

namespace sluice::config {

/// The part of check() that is about [reload].
void check_reload(const Settings& settings, Findings& findings);

} // namespace sluice::config
