#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace tests {

/// What /proc says, seen from the host. A process that is gone gives "nothing".

struct ProcessState {
    char state; // 'R', 'S', 'T', 'Z', ...
    pid_t parent;
    pid_t group;
    pid_t session;
    long long started; // in ticks since the machine's start
};

std::optional<ProcessState> state_of(pid_t pid);
std::vector<pid_t> children_of(pid_t pid);
std::vector<pid_t> descendants_of(pid_t pid);

/// A line of /proc/<pid>/status, such as "SigBlk".
std::string status_field(pid_t pid, const std::string& name);

/// The file that it executes.
std::string program_of(pid_t pid);

/// True until it has been reaped; a zombie still exists.
bool exists(pid_t pid);

bool is_suspended(pid_t pid);

int zombies_below(pid_t pid);

/// Kills everything below `pid`, again and again, until nothing new appears.
void kill_tree(pid_t pid);

/// Makes this process the parent of whoever loses its own, so that kill_tree(getpid()) at a
/// test's end finds all that it left behind.
void adopt_orphans();

/// Reaps what was adopted and has ended.
void reap_adopted();

} // namespace tests
