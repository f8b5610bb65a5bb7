#include "init/fpm/in_flight.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "init/os/proc.h"

namespace sluice::fpm {

namespace {

// A worker's command line is "php-fpm: pool NAME".
std::string pool_of(pid_t worker) {
    const auto title = os::command_line(worker);
    constexpr std::string_view label = "pool ";
    const auto at = title.find(label);
    return at == std::string::npos ? "unknown" : title.substr(at + label.size());
}

std::optional<std::string> script_of(pid_t worker, const std::vector<std::string>& masters_files) {
    const auto files = os::open_files(worker);
    const auto folder = os::working_folder(worker);
    if (!files) return "unknown (sluice lacks CAP_SYS_PTRACE to look)";
    if (folder.empty()) return {}; // it is just ending
    const auto prefix = folder == "/" ? folder : folder + "/";
    for (const auto& file : *files) {
        const bool own = std::ranges::find(masters_files, file) == masters_files.end();
        if (own && file.starts_with(prefix) && !file.starts_with("/dev/")) return file;
    }
    return {};
}

} // namespace

std::vector<Request> in_flight(pid_t master) {
    const auto masters_files = os::open_files(master).value_or(std::vector<std::string>());
    std::vector<Request> requests;
    for (const auto& process : os::processes()) {
        if (process.parent != master || process.ended) continue;
        if (auto script = script_of(process.pid, masters_files)) {
            requests.push_back({process.pid, pool_of(process.pid), *std::move(script)});
        }
    }
    return requests;
}

} // namespace sluice::fpm
