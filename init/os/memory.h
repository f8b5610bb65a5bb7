#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "init/core/room.h"

namespace sluice::os {

// What init/core/room decides about. Reads some small files of the kernel's, which takes
// microseconds; nothing throws, and what cannot be read is left out. Swap does not count: a
// generation that swaps is one that stalls.

/// Every level of the cgroup tree that can be seen, our own first.
std::vector<core::MemoryLevel> memory_levels(const core::CgroupPlace& place);

/// The level that leaves the least, of the cgroup that we are in. Nothing: no limit that can be
/// seen.
std::optional<core::MemoryLevel> memory_limit();

/// What a generation like this one would take anew, in bytes. `processes` are the master, first,
/// and its workers; those that are gone count nothing, and without a master it is 0. How it is
/// reckoned, and why so, is said at core::memory_of_generation().
std::uint64_t memory_of(const std::vector<pid_t>& processes);

} // namespace sluice::os
