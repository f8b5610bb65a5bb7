#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace sluice::os {

/// Without the slashes at its end; "/" stays.
std::string without_last_slash(std::string path);

/// The path of what has this name in the folder.
std::string joined(const std::string& folder, const std::string& name);

/// Of an absolute path; the root's is the root.
std::string folder_of(const std::string& path);

/// The path itself, too.
bool is_below(const std::string& path, const std::string& top);

/// The names of the folders in a folder, without symlinks, and without the name `skipped`. Adds the
/// number of entries that it looked at to `looked_at`, and ends where that reaches `most`. Empty
/// where the folder cannot be read.
std::vector<std::string> sub_folders(const std::string& path, const std::string& skipped,
                                     std::size_t& looked_at, std::size_t most);

} // namespace sluice::os
