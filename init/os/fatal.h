#pragma once

namespace sluice::os {

/// Has a fatal signal in sluice itself (a fault, or abort) write one line to stderr before it ends
/// the process as it would have anyway.
void report_fatal_signals();

} // namespace sluice::os
