#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/os/descriptor.h"

namespace sluice::os {

/// Puts /dev/null where 0, 1 or 2 are closed, or the loop's own descriptors would land there and
/// the log would be written into them. Close-on-exec: the service finds them closed, as they were.
void occupy_standard_descriptors();

/// The descriptors above 2 that sluice was started with. They are the service's: every run gets
/// them. To be called before anything is opened; without /proc only the first 1,024 are looked at.
std::vector<int> inherited_descriptors();

/// Closes them here, so that sluice holds up nobody who waits for the other end.
void close_all(const std::vector<int>& descriptors);

/// Who may read a file in memory.
enum class Readers {
    user, // who sluice runs as, and root
    all   // also behind an entrypoint that changes the user
};

/// A file in memory with this text, to be read by a child as path_of(file), by which alone it can
/// be read (O_PATH): whoever merely inherits the descriptor needs the right to. Its number is 20 or
/// above, where no script redirects anything. Throws std::system_error.
Descriptor file_in_memory(const std::string& name, const std::string& text,
                          Readers readers = Readers::user);

/// "/proc/self/fd/20".
std::string path_of(const Descriptor& file);

} // namespace sluice::os
