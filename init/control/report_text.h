#pragma once

#include <string>

#include "init/core/report.h"

namespace sluice::control {

/// The report for people: lines that end with a newline. Whatever its texts hold, no byte of them
/// reaches a terminal as a control character.
std::string report_text(const core::Report& report);

} // namespace sluice::control
