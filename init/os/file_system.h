#pragma once

#include <optional>
#include <string>

namespace sluice::os {

/// Why changes under this path may happen without inotify's events: "is on NFS, which sends no
/// events of what other machines change". Nothing where events are sent, or nothing can be told.
/// Of a path that does not exist it is the nearest folder above that does.
std::optional<std::string> silent_file_system(std::string path);

/// True if something is mounted just here; false also where the kernel does not tell (before 5.8).
/// A symlink is not followed.
bool is_mount(const std::string& path);

} // namespace sluice::os
