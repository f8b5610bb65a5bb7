#pragma once

#include <string>

namespace sluice::os {

/// A small file, its first MiB; empty where it cannot be read, and what was read where the rest
/// cannot (a process that ends while its file in /proc is read). Throws nothing but bad_alloc, as a
/// stream would.
std::string text_of(const std::string& path);

} // namespace sluice::os
