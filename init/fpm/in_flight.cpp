#include "init/fpm/in_flight.h"

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

std::optional<std::string> script_of(pid_t worker) {
    const auto files = os::open_files(worker);
    const auto folder = os::working_folder(worker);
    if (!files || folder.empty()) return "unknown";
    const auto prefix = folder == "/" ? folder : folder + "/";
    for (const auto& file : *files) {
        if (file.starts_with(prefix)) return file;
    }
    return {};
}

} // namespace

std::vector<Request> in_flight(pid_t master) {
    std::vector<Request> requests;
    for (const auto& process : os::processes()) {
        if (process.parent != master) continue;
        if (auto script = script_of(process.pid)) {
            requests.push_back({process.pid, pool_of(process.pid), *std::move(script)});
        }
    }
    return requests;
}

} // namespace sluice::fpm
