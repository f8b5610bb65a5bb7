#pragma once

#include <sys/types.h>

#include <string>

namespace sluice::os {

/// Writes the pid, as FPM does, into a new file that takes the place of what is there at once. 0 or
/// errno.
int write_pid_file(const std::string& path, pid_t pid);

} // namespace sluice::os
