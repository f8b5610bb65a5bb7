#pragma once

#include <sys/types.h>

#include <string_view>

#include "init/os/descriptor.h"

namespace sluice::os {

/// A descriptor that is shared with the service (stderr), to write to without ever blocking on it
/// and without changing it: O_NONBLOCK belongs to the open file and would be the service's, too,
/// and a descriptor that poll() calls writable can block all the same (another writer took the
/// room).
class SharedOutput {
  public:
    /// `fd` stays the caller's and open.
    explicit SharedOutput(int fd);

    /// As write(2): how much was taken, or -1 with errno, which is EAGAIN where there is no room
    /// now. A pipe takes up to PIPE_BUF bytes whole or not at all.
    ssize_t write(std::string_view text);

  private:
    int fd_;
    Descriptor own_; // the same file, opened once more and not blocking, where that is possible
    enum class Way { plain, own, no_wait, socket } way_ = Way::plain;
};

} // namespace sluice::os
