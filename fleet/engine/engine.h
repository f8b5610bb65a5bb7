#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <string>
#include <string_view>

#include "fleet/engine/http.h"

namespace sluice::fleet {

/// How long the Engine may take for what it has at hand.
inline constexpr std::chrono::seconds engine_patience(30);

/// Docker's Engine API, without a version in the paths: each Engine then speaks its own newest, and
/// what is used here has been the same since 1.25. At most 64 requests at a time, the rest wait.
class Engine {
  public:
    Engine(boost::asio::io_context& loop, Endpoint endpoint)
        : loop_(loop), endpoint_(std::move(endpoint)) {}

    void get(std::string target, OnAnswer on_answer);
    void post(std::string target, std::string body, std::chrono::milliseconds limit,
              OnAnswer on_answer);

    /// The end of what a container has logged, from and to these times (RFC 3339, the Engine's
    /// clock): as frames, or raw of a container with a terminal.
    void get_log(const std::string& id, std::string_view since, std::string_view until,
                 OnAnswer on_answer);

    /// Starts a command that was made by POST /containers/ID/exec, both outputs attached.
    std::shared_ptr<HttpStream> start_exec(const std::string& exec, StreamCalls calls);

    boost::asio::io_context& loop() { return loop_; }

    /// It is on this host, as far as its address tells.
    bool is_local() const { return !endpoint_.path.empty(); }

  private:
    void queue(HttpRequest request, OnAnswer on_answer);
    void next();

    boost::asio::io_context& loop_;
    Endpoint endpoint_;
    std::deque<std::pair<HttpRequest, OnAnswer>> waiting_;
    std::size_t under_way_ = 0;
};

} // namespace sluice::fleet
