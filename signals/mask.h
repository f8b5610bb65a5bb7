#pragma once

namespace sluice::signals {

/// Blocks every signal but the faults, so that none is lost or acted on before the inbox reads
/// them, and gives CHLD its default action: ignored, as a parent may have left it, the kernel reaps
/// children by itself and their exit status is lost. Called first thing in main: PID 1 gets no
/// default action, and any other process would be ended by a TERM that comes too early. Throws
/// std::system_error.
void block_all();

/// Unblocks everything and gives every signal its default action, for a child between fork and
/// exec: a mask and SIG_IGN are inherited over exec. Async-signal-safe. False, with errno set,
/// where the kernel refuses.
bool reset_for_child() noexcept;

} // namespace sluice::signals
