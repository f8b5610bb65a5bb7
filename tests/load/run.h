#pragma once

#include "tests/load/options.h"

namespace load {

/// One run of a load generator, with its report. Gives the exit status.
int run_load(const Options& options);

} // namespace load
