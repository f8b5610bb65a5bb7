#pragma once

#include <optional>
#include <string>

namespace sluice::os {

/// A small file, its first MiB; empty where it cannot be read, and what was read where the rest
/// cannot (a process that ends while its file in /proc is read). Throws nothing but bad_alloc, as a
/// stream would.
std::string text_of(const std::string& path);

/// A regular file's text; nothing where it cannot be read, is larger than 1 MiB, or is something
/// else, a pipe say, which would have to be waited for.
std::optional<std::string> whole_text_of(const std::string& path);

} // namespace sluice::os
