#pragma once

#include <string>

namespace sluice::config {

/// docs/configuration.md, made from the table of keys.
std::string reference_page();

} // namespace sluice::config
