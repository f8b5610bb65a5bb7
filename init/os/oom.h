#pragma once

#include <sys/types.h>

#include <vector>

namespace sluice::os {

// Whom the kernel's OOM killer takes first: /proc/<pid>/oom_score_adj, which a child inherits at
// fork. At the largest value a process counts as if it had the whole limit by itself, so that it is
// taken before everybody who has a smaller one, in its own container and on the whole node.

inline constexpr int first_victim = 1'000;

/// Ours, which is what the container was given; 0 where it cannot be read.
int own_oom_score();

/// True where the value of each of these processes can be set, back as well: writes to each the one
/// that it has. Those that are gone do not count. The file is its process's user's: root without
/// CAP_DAC_OVERRIDE may not write that of a program which an entrypoint runs as another user.
/// Lowering what has been raised needs CAP_SYS_RESOURCE only if it was raised with that capability.
bool can_set_oom_score(const std::vector<pid_t>& processes);

/// Has these taken first. What is refused is left as it is.
void make_first_victims(const std::vector<pid_t>& processes);

/// Gives our own value back to those of them that would be taken first; who has set another for
/// itself keeps it. False if one of them cannot be set back.
bool spare(const std::vector<pid_t>& processes);

/// For a child between fork and exec: has itself taken first. Async-signal-safe. What is refused is
/// left as it is.
void become_first_victim() noexcept;

} // namespace sluice::os
