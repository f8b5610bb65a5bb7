#pragma once

#include "config/places.h"

namespace sluice::config {

/// What is wrong with values that are right each by itself.
Problems check(const Settings& settings, const Places& places);

} // namespace sluice::config
