#include "init/os/terminal.h"

#include <unistd.h>

namespace sluice::os {

bool holds_terminal() {
    return ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

void hand_terminal_to(pid_t group) {
    // TTOU, which a process outside the foreground gets for this, is blocked.
    ::tcsetpgrp(STDIN_FILENO, group);
}

} // namespace sluice::os
