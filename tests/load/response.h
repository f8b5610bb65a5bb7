#pragma once

#include "tests/load/fastcgi.h"
#include "tests/load/options.h"

#include <optional>
#include <string>
#include <string_view>

namespace load {

/// One response, HTTP/1.1 or FastCGI (whose stdout is a head and a body as well), read as it comes.
/// Pure: knows no socket.
class Response {
  public:
    explicit Response(Protocol protocol) : protocol_(protocol) {}

    void append(std::string_view bytes);

    /// The server has closed: in HTTP a body without a declared length ends here.
    void end_of_stream() { ended_ = true; }

    /// True when the body is all there by its own framing.
    bool complete() const;

    /// Bytes have come that belong to no response.
    bool has_strays() const { return records_.has_strays(); }

    /// 0 while the head is not there, or makes no sense.
    int status() const { return status_; }

    /// The value of a header (first of its name; name in lower case), or nothing.
    std::optional<std::string> header(std::string_view name) const;

    std::string body() const;

  private:
    void read_head();

    std::string_view payload() const { return std::string_view(raw_).substr(body_at_); }

    Protocol protocol_;
    fastcgi::Records records_;
    std::string raw_;         // head and body
    std::size_t body_at_ = 0; // 0: the head is not complete
    int status_ = 0;
    bool ended_ = false;
};

} // namespace load
