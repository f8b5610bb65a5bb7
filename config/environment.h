#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/places.h"

namespace sluice::config {

/// True for a variable that Kubernetes or a Docker link injects for a service called sluice. It is
/// the service's to see, and none of our keys is named so.
bool is_injected(std::string_view name);

/// The value of a variable in a list of "NAME=value"; empty where it is not there.
std::string value_of(std::string_view name, const std::vector<std::string>& environment);

/// Sets every key that has a variable, over what the file said; an unknown SLUICE_ variable gives
/// a warning, an empty one counts as unset.
void apply_environment(const std::vector<std::string>& environment, Reading& reading);

} // namespace sluice::config
