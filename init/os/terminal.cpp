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

void take_terminal_from(pid_t group) {
    if (::tcgetpgrp(STDIN_FILENO) == group) ::tcsetpgrp(STDIN_FILENO, ::getpgrp());
}

} // namespace sluice::os
