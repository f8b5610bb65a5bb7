#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "init/os/shared_output.h"

namespace sluice::os {

/// Writes lines to a descriptor that is shared with the service, without ever blocking on it.
class LineWriter {
  public:
    /// `fd` stays the caller's and open.
    explicit LineWriter(int fd) : output_(fd) {}

    /// Writes `line`, which ends with a newline, or keeps it for later. Longer ones than PIPE_BUF
    /// are cut to it: only up to there does a pipe take a line whole or not at all.
    void write(std::string line);

    /// Tries to write what was kept.
    void flush();

    /// Lines that found no room and were dropped since the last call.
    std::size_t take_dropped() { return std::exchange(dropped_, 0); }

    bool has_kept() const { return !kept_.empty(); }

  private:
    enum class Result { done, later, never };
    Result try_write(std::string_view line);

    SharedOutput output_;
    std::deque<std::string> kept_;
    std::size_t kept_bytes_ = 0;
    std::size_t dropped_ = 0;
};

} // namespace sluice::os
