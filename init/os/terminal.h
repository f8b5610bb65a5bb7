#pragma once

#include <sys/types.h>

namespace sluice::os {

/// True if stdin is a terminal whose foreground process group is ours, so that it is ours to give.
bool holds_terminal();

/// Takes the terminal back from `group`, if it has it: whoever started us reads from it next.
void take_terminal_from(pid_t group);

/// Makes `group` the terminal's foreground process group. No terminal, or no longer ours: nothing
/// happens.
void hand_terminal_to(pid_t group);

} // namespace sluice::os
