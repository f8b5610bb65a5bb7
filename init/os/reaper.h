#pragma once

#include <sys/types.h>

#include <vector>

namespace sluice::os {

/// A change of a child's state, as waitpid(2) gives it.
struct Change {
    pid_t pid;
    int wait_status;
    bool ended; // else it was suspended by a signal
};

struct Reaped {
    std::vector<Change> changes;
    bool none_left = false; // there is no child any more, own or adopted
};

/// The only waitpid of the loop (os/fallback has one for when there is no loop): takes every child
/// that has ended or was suspended, until there is none (CHLD is merged: one signal may stand for
/// many). Takes at most 1,024 at a time, so that thousands of orphans do not keep the loop from its
/// signals; `more` tells to come back.
Reaped reap(bool& more);

} // namespace sluice::os
