#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace load::fastcgi {

using Params = std::vector<std::pair<std::string, std::string>>;

/// One request in the responder role, as a client sends it. Pure.
std::string request(const Params& params, std::string_view body, bool keep_connection);

/// Takes the records of one answer apart as they come. Pure: knows no socket.
class Records {
  public:
    /// Gives what of the service's stdout has come with these bytes.
    std::string append(std::string_view bytes);

    /// The record that ends the request is there, and says that the request was complete.
    bool ended() const { return ended_; }

    /// Bytes that no answer should have: what comes after its end, or is no FastCGI at all.
    bool has_strays() const { return broken_ || (ended_ && !unread_.empty()); }

  private:
    std::string unread_;
    bool ended_ = false;
    bool broken_ = false;
};

} // namespace load::fastcgi
