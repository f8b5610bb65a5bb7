#include "init/os/memory.h"

#include "init/os/text_file.h"

namespace sluice::os {

namespace {

core::MemoryLevel read_level(const std::string& folder, int version) {
    const auto stat = text_of(folder + "/memory.stat");
    if (version == 1) {
        return core::memory_level(text_of(folder + "/memory.limit_in_bytes"),
                                  text_of(folder + "/memory.usage_in_bytes"), stat);
    }
    return core::memory_level(text_of(folder + "/memory.max"), text_of(folder + "/memory.current"),
                              stat);
}

} // namespace

std::vector<core::MemoryLevel> memory_levels(const core::CgroupPlace& place) {
    std::vector<core::MemoryLevel> levels;
    for (auto folder = place.folder; folder.size() >= place.top.size();
         folder.resize(folder.rfind('/'))) {
        levels.push_back(read_level(folder, place.version));
        if (folder.find('/') == std::string::npos) break;
    }
    return levels;
}

std::optional<core::MemoryLevel> memory_limit() {
    const auto place =
        core::cgroup_place(text_of("/proc/self/cgroup"), text_of("/proc/self/mountinfo"));
    if (!place) return {};
    return core::tightest(memory_levels(*place));
}

std::uint64_t memory_of(const std::vector<pid_t>& processes) {
    std::vector<core::ProcessMemory> all;
    for (const pid_t pid : processes) {
        const auto status = text_of("/proc/" + std::to_string(pid) + "/status");
        if (const auto memory = core::process_memory(status)) {
            all.push_back(*memory);
        } else if (all.empty()) {
            return 0; // no master, nothing to compare with
        }
    }
    return core::memory_of_generation(all);
}

} // namespace sluice::os
