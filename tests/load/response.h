#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace load {

/// One HTTP/1.1 response, read as it comes. Pure: knows no socket.
class Response {
  public:
    void append(std::string_view bytes);

    /// The server has closed: a body without a declared length ends here.
    void end_of_stream() { ended_ = true; }

    /// True when the body is all there by its own framing.
    bool complete() const;

    /// 0 while the head is not there, or makes no sense.
    int status() const { return status_; }

    /// The value of a header (first of its name; name in lower case), or nothing.
    std::optional<std::string> header(std::string_view name) const;

    std::string body() const;

  private:
    void read_head();

    std::string_view payload() const { return std::string_view(raw_).substr(body_at_); }

    std::string raw_;
    std::size_t body_at_ = 0; // 0: the head is not complete
    int status_ = 0;
    bool ended_ = false;
};

} // namespace load
