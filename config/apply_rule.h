#pragma once

#include "config/file_reading.h"

namespace sluice::config {

/// Sets the rule that a line below [signals] gives a signal, or tells why not.
void apply_rule(const Member& line, FileReading& file);

} // namespace sluice::config
