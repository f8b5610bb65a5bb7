#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "init/os/descriptor.h"

namespace sluice::control {

/// The client's end of a control socket. Blocks.
class Connection {
  public:
    using Time = std::chrono::steady_clock::time_point;

    /// Connects, within 5 s. An errno where it could not: EAGAIN for too late, EINVAL for no
    /// address, EPERM where an abstract name is held by somebody who cannot be our sluice.
    static std::variant<Connection, int> open(const std::string& address);

    /// True if all was sent. If not, why may still come as an answer.
    bool send(const std::string& line) const;

    enum class Got { line, nothing_yet, end };

    /// Waits for a whole line until then (nothing: for ever) and puts it into `line`, without its
    /// newline. `end`: there comes no more, or a line is longer than any answer.
    Got read_line(const std::optional<Time>& until, std::string& line);

  private:
    explicit Connection(os::Descriptor socket) : socket_(std::move(socket)) {}

    os::Descriptor socket_;
    std::string received_;
};

} // namespace sluice::control
