#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::os {

// What /proc tells. Everything here may fail or be out of date the moment it is read: a process
// that is gone, or a /proc that is not mounted or hidden, gives "no" and "nothing".

/// True if the process has a handler for the signal (SigCgt).
bool catches(pid_t pid, int signal);

struct Process {
    pid_t pid;
    pid_t parent;
    bool ended; // a zombie
};

/// True if the process is stopped (SIGSTOP), or is gone.
bool is_paused(pid_t pid);

/// The parent's pid; nothing if the process is gone or cannot be seen.
std::optional<pid_t> parent_of(pid_t pid);

/// How many TCP resets this network namespace has sent since it began.
std::optional<std::uint64_t> tcp_resets_sent();

/// All processes that /proc shows.
std::vector<Process> processes();

/// Every process below `root`, at any depth, without `root` itself. Pure.
std::vector<pid_t> descendants(const std::vector<Process>& all, pid_t root);

/// False if we lack CAP_KILL, and so may signal those of our own user alone.
bool may_signal_other_users();

/// True if the process has a child that we may not signal.
bool has_child_out_of_reach(pid_t pid);

/// The command line with spaces between its arguments; FPM's workers write their pool there.
std::string command_line(pid_t pid);

/// The working folder: FPM's workers are in the script's.
std::string working_folder(pid_t pid);

/// What its descriptors are open on, in no order; nothing where we may not look.
std::optional<std::vector<std::string>> open_files(pid_t pid);

/// Our own open descriptors; without /proc those below 1,024.
std::vector<int> open_descriptors();

} // namespace sluice::os
