#include "init/os/memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

// A mountinfo of a node with hundreds of containers is the largest.
constexpr std::size_t most_text = std::size_t{1'024} * 1'024;

// Unlike a stream it does not throw where a process ends while it is read (ESRCH).
std::string kernel_text(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (!file) return text;
    std::array<char, 4'096> buffer;
    while (text.size() < most_text) {
        const auto size = ::read(file.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

core::MemoryLevel read_level(const std::string& folder, int version) {
    const auto stat = kernel_text(folder + "/memory.stat");
    if (version == 1) {
        return core::memory_level(kernel_text(folder + "/memory.limit_in_bytes"),
                                  kernel_text(folder + "/memory.usage_in_bytes"), stat);
    }
    return core::memory_level(kernel_text(folder + "/memory.max"),
                              kernel_text(folder + "/memory.current"), stat);
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
        core::cgroup_place(kernel_text("/proc/self/cgroup"), kernel_text("/proc/self/mountinfo"));
    if (!place) return {};
    return core::tightest(memory_levels(*place));
}

std::uint64_t memory_of(const std::vector<pid_t>& processes) {
    std::vector<core::ProcessMemory> all;
    for (const pid_t pid : processes) {
        const auto status = kernel_text("/proc/" + std::to_string(pid) + "/status");
        if (const auto memory = core::process_memory(status)) {
            all.push_back(*memory);
        } else if (all.empty()) {
            return 0; // no master, nothing to compare with
        }
    }
    return core::memory_of_generation(all);
}

} // namespace sluice::os
