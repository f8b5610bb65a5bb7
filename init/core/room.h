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

/// Takes /proc/<pid>/status: everything that is mapped, also what others have mapped, too. Nothing
/// where that is not told by kind (before Linux 4.5), or the process has no memory any more.
std::optional<ProcessMemory> process_memory(std::string_view status);

/// What a second generation like this one would take, in bytes. `processes` are the master, first,
/// and its workers. Shared memory counts once, as much as one of them has mapped of it; of a worker
/// counts what it has beyond the master, whose pages it got at fork and shares until it writes to
/// them. Pages of files do not count: both generations map the same ones.
///
/// The kernel's exact answer, the sum of the proportional shares (PSS), may only be read with
/// CAP_SYS_PTRACE if the workers are another user, which containers are not given, and takes 2 ms a
/// process on the loop. Measured with FPM 8.2, a master and 12 workers, in MiB: 130 instead of 133
/// after requests of 10 each, 6 instead of 8 when just started; the plain sum says 170 and 46.
std::uint64_t memory_of_generation(const std::vector<ProcessMemory>& processes);

/// What is to be free beside the estimate, in bytes. That does not know the kernel's own share
/// (page tables, stacks, sockets: 0.24 MiB a worker), what a young generation takes until it is
/// warm, nor what the users' requests take meanwhile. Measured with FPM 8.2 just started, in MiB,
/// estimate and need: 7 and 7.5 with 1 worker, 7 and 8.7 with 4, 7 and 12.2 with 12; in other
/// runs 8.2 and 11.7, 11.8 and 9.9. For larger ones a share is what covers that of the requests.
std::uint64_t margin_of(std::uint64_t needed);

/// Nothing if a second generation fits, with its margin; else the sentence that says why not, and
/// what to do.
std::optional<std::string> room(std::optional<std::uint64_t> limit, std::uint64_t used,
                                std::uint64_t needed);

} // namespace sluice::core
