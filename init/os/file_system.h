#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sluice::os {

/// Why changes under this path may happen without inotify's events: "is on NFS, which sends no
/// events of what other machines change". Nothing where events are sent, or nothing can be told.
/// Of a path that does not exist it is the nearest folder above that does.
std::optional<std::string> silent_file_system(std::string path);

/// True if something is mounted just here; false also where the kernel does not tell (before 5.8).
/// A symlink is not followed.
bool is_mount(const std::string& path);

/// The paths that a pattern of the shell's (`*`, `?`, `[a-z]`; no `~`) matches, sorted by their
/// bytes; a folder ends with "/". Nothing: a folder on the way cannot be read.
std::optional<std::vector<std::string>> paths_matching(const std::string& pattern);

} // namespace sluice::os
