#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::core {

// Whether a second generation fits into the container's memory. The texts are what the kernel shows
// in /proc and in the cgroup file system; whatever they hold, nothing here throws.

/// Where the memory controller shows the cgroup that we are in.
struct CgroupPlace {
    int version;        // 1 or 2
    std::string top;    // the highest folder that can be seen: where it is mounted
    std::string folder; // our own: `top`, or a folder below it

    bool operator==(const CgroupPlace&) const = default;
};

/// Takes /proc/self/cgroup and /proc/self/mountinfo. Nothing where no memory controller is mounted.
/// With a cgroup namespace, and where the mount shows less than the path says, it is the top.
std::optional<CgroupPlace> cgroup_place(std::string_view cgroup, std::string_view mountinfo);

/// What one cgroup, with everything below it, may take and takes, in bytes.
struct MemoryLevel {
    std::optional<std::uint64_t> limit; // nothing: none
    std::uint64_t used = 0;             // without the page cache that can be dropped at once

    bool operator==(const MemoryLevel&) const = default;
};

/// Takes memory.max or memory.limit_in_bytes ("max", "268435456"), memory.current or
/// memory.usage_in_bytes, and memory.stat. What cannot be read is no limit.
MemoryLevel memory_level(std::string_view limit, std::string_view current, std::string_view stat);

/// The level with the least left, and with it the smallest limit unless a higher one, which other
/// containers share, is fuller. Nothing if none has a limit.
std::optional<MemoryLevel> tightest(const std::vector<MemoryLevel>& levels);

/// What one process has in memory, in bytes.
struct ProcessMemory {
    std::uint64_t anonymous = 0;
    std::uint64_t shared = 0; // memory that is no file's: opcache's

    bool operator==(const ProcessMemory&) const = default;
};

/// Takes /proc/<pid>/smaps_rollup: the process's share of everything. Nothing where that is not
/// told (before Linux 5.1, or not readable).
std::optional<ProcessMemory> proportional_memory(std::string_view smaps_rollup);

/// Takes /proc/<pid>/status: everything that is mapped, also what others have mapped, too.
std::optional<ProcessMemory> resident_memory(std::string_view status);

/// What a second generation like this one would take, in bytes. `processes` are the master, first,
/// and its workers. Pages of files are left out: both generations map the same ones.
/// Of proportional shares it is the sum. Else memory that is shared counts once, and a worker's own
/// is what it has beyond the master, whose pages it got at fork and shares until it writes to them.
/// That is the lower bound: the new workers, too, begin with little of their own.
std::uint64_t memory_of_generation(const std::vector<ProcessMemory>& processes, bool proportional);

/// Nothing if a second generation fits; else the sentence that says why not, and what to do.
std::optional<std::string> room(std::optional<std::uint64_t> limit, std::uint64_t used,
                                std::uint64_t needed);

} // namespace sluice::core
