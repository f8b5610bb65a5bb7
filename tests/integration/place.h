#pragma once

#include <chrono>
#include <string>

#include "descriptor.h"

namespace tests {

/// Where clients connect to.
class Place {
  public:
    /// A port of 127.0.0.1.
    Place(int port);

    /// "127.0.0.1" or "::1".
    Place(const std::string& host, int port);

    /// A unix socket.
    Place(const std::string& path);

    /// A connection; nothing (descriptor -1) if it is refused.
    Descriptor connect() const;

    /// Somebody who listens there and accepts nobody; descriptor -1 where that cannot be.
    Descriptor listen() const;

    /// 0 if a connection is taken, else why not: ECONNREFUSED, ENOENT, or EINPROGRESS for one that
    /// gets no answer at once.
    int refusal() const;

    std::string text() const { return path_.empty() ? host_ + " " + std::to_string(port_) : path_; }

  private:
    Descriptor try_to_connect(std::chrono::milliseconds limit, int& error) const;

    std::string host_;
    int port_ = 0;
    std::string path_;
};

} // namespace tests
