#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "fleet/engine/endpoint.h"

namespace sluice::fleet {

/// Why there is no answer, as a sentence without control characters. `status` is HTTP's where the
/// Engine answered with an error, else 0: it could not be asked.
struct Trouble {
    std::string text;
    int status = 0;
};

struct HttpRequest {
    bool post = false;
    std::string target; // "/containers/json", encoded already
    std::string body;   // JSON; empty: none
    std::chrono::milliseconds limit{0};
    std::size_t longest_answer = 0; // more is an error
};

/// The body of an answer with a status of 200 to 299.
using OnAnswer = std::function<void(std::variant<std::string, Trouble>)>;

/// Sends one request over a connection of its own, and calls back once, from the loop.
void ask(boost::asio::io_context& loop, const Endpoint& endpoint, HttpRequest request,
         OnAnswer on_answer);

/// A connection that has become a stream of bytes (status 101, or 200 and then anything).
class HttpStream {
  public:
    HttpStream() = default;
    virtual ~HttpStream() = default;
    HttpStream(const HttpStream&) = delete;
    HttpStream& operator=(const HttpStream&) = delete;

    /// Ends it at once; nothing is called back any more.
    virtual void close() = 0;
};

/// Sends the request and reads what comes until the other side closes. `limit` is for the answer's
/// head alone. `on_end` is called once, with a trouble's empty text where it just ended.
struct StreamCalls {
    std::function<void(std::string_view)> on_bytes;
    std::function<void(Trouble)> on_end;
};

std::shared_ptr<HttpStream> open_stream(boost::asio::io_context& loop, const Endpoint& endpoint,
                                        HttpRequest request, StreamCalls calls);

} // namespace sluice::fleet
