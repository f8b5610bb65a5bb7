#pragma once

#include <optional>
#include <string>

#include "descriptor.h"
#include "place.h"

namespace tests {

/// A port of 127.0.0.1 that nobody listens on.
int free_port();

/// A connection for one request after the other, as nginx has it with fastcgi_keep_conn.
class KeptConnection {
  public:
    explicit KeptConnection(const Place& place) : connection_(place.connect()) {}

    bool open() const { return connection_.get() >= 0; }

    /// Sends a request in the responder role. `name` is SCRIPT_NAME, by which FPM knows its own
    /// pages.
    bool ask(const std::string& script, const std::string& query = {},
             const std::string& name = "/test.php");

    /// The body, if the whole answer came; nothing if it was refused, cut or lost.
    std::optional<std::string> answer() const;

    /// Waits until the other side closes it: an end of file, and no byte before. A reset is none.
    bool ends() const;

    void close() { connection_.close(); }

  protected:
    enum class After { close, keep };
    bool ask(const std::string& script, const std::string& query, const std::string& name,
             After after);

  private:
    Descriptor connection_;
};

/// One request over a connection of its own. The constructor sends it.
class FastcgiRequest : private KeptConnection {
  public:
    FastcgiRequest(const Place& place, const std::string& script, const std::string& query = {},
                   const std::string& name = "/test.php");

    bool sent() const { return sent_; }

    /// As above.
    std::optional<std::string> answer();

  private:
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
