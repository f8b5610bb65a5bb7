#pragma once

#include <optional>
#include <string>

#include "descriptor.h"

namespace tests {

/// A port of 127.0.0.1 that nobody listens on.
int free_port();

/// A connection to 127.0.0.1; nothing (descriptor -1) if it is refused.
Descriptor connect_to(int port);

/// One request in the responder role over a connection of its own. The constructor sends it.
class FastcgiRequest {
  public:
    FastcgiRequest(int port, const std::string& script, const std::string& query = {});

    bool sent() const { return sent_; }

    /// The body, if the whole answer came; nothing if it was refused, cut or lost.
    std::optional<std::string> answer();

  private:
    Descriptor connection_;
    bool sent_ = false;
};

/// A GET over HTTP/1.0: the body of a 200, whole; nothing for all else.
class HttpRequest {
  public:
    HttpRequest(int port, const std::string& target);
    std::optional<std::string> answer();

  private:
    Descriptor connection_;
};

} // namespace tests
