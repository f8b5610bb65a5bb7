#pragma once

#include <string>

namespace sluice::os {

/// All of a small file; empty where it cannot be read.
std::string text_of(const std::string& path);

} // namespace sluice::os
