#pragma once

#include <optional>
#include <string>

namespace sluice::os {

/// Why changes under this path may happen without inotify's events: "is on NFS, which sends no
/// events of what other machines change". Nothing where events are sent, or nothing can be told.
std::optional<std::string> silent_file_system(const std::string& path);

} // namespace sluice::os
