#pragma once

#include <string>

#include "config/load.h"

namespace sluice::config {

/// The configuration in effect as TOML, with a comment on where each value comes from; load()
/// gives the same settings for it, but for what may be a secret: the values of a warm-up's headers
/// and its body come as "...". What the kind of service decides is commented out.
std::string print(const Loaded& loaded);

} // namespace sluice::config
