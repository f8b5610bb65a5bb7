#include "fleet/engine/http.h"

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <optional>
#include <utility>

#include "config/quote.h"
#include "fleet/engine/answers.h"
#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;

constexpr std::size_t longest_head = 64U << 10U;
constexpr std::size_t longest_message = 500; // of an error, as it is shown

Socket::endpoint_type address_of(const Endpoint& endpoint) {
    if (!endpoint.path.empty()) return asio::local::stream_protocol::endpoint(endpoint.path);
    return asio::ip::tcp::endpoint(asio::ip::make_address(endpoint.ip), endpoint.port);
}

std::string why_not(const Endpoint& endpoint, const error_code& error) {
    const auto at = " at " + endpoint.shown;
    if (error == asio::error::access_denied) {
        return "you may not connect to the Engine" + at +
               ": become a member of its group (docker, mostly) or root";
    }
    if (error == boost::system::errc::no_such_file_or_directory ||
        error == asio::error::connection_refused) {
        return "no Engine listens" + at +
               ": see that Docker runs, or name its socket in DOCKER_HOST";
    }
    return "cannot connect to the Engine" + at + ": " + error.message();
}

// One request: the connection, its time limit and the head of the answer, which a call and a stream
// have in common. It keeps itself alive while something is awaited.
class Exchange : public HttpStream, public std::enable_shared_from_this<Exchange> {
  public:
    Exchange(asio::io_context& loop, Endpoint endpoint, HttpRequest request)
        : endpoint_(std::move(endpoint)),
          request_(std::move(request)),
          socket_(loop),
          timer_(loop),
          buffer_(longest_head) {}

    void start(OnAnswer on_answer, std::optional<StreamCalls> stream) {
        on_answer_ = std::move(on_answer);
        stream_ = std::move(stream);
        parser_.header_limit(longest_head);
        parser_.body_limit(request_.longest_answer);
        timer_.expires_after(request_.limit);
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->fail(self->too_late());
        });
        error_code error;
        const auto address = address_of(endpoint_);
        socket_.open(address.protocol(), error);
        if (error) {
            asio::post(socket_.get_executor(), [self = shared_from_this(), error] {
                self->fail(why_not(self->endpoint_, error));
            });
            return;
        }
        socket_.async_connect(address, [self = shared_from_this()](const error_code& failed) {
            if (self->over_) return;
            if (failed) return self->fail(why_not(self->endpoint_, failed));
            self->send();
        });
    }

    void close() override {
        over_ = true;
        on_answer_ = nullptr;
        stream_.reset();
        timer_.cancel();
        error_code ignored;
        socket_.close(ignored);
    }

  private:
    void send() {
        message_.method(request_.post ? http::verb::post : http::verb::get);
        message_.target(request_.target);
        message_.version(11);
        message_.set(http::field::host, "docker");
        message_.set(http::field::user_agent, "sluice-fleet");
        if (stream_) {
            message_.set(http::field::connection, "Upgrade");
            message_.set(http::field::upgrade, "tcp");
        } else {
            message_.set(http::field::connection, "close");
        }
        if (!request_.body.empty()) message_.set(http::field::content_type, "application/json");
        message_.body() = request_.body;
        message_.prepare_payload();
        http::async_write(socket_, message_,
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (self->over_) return;
                              // It may have answered and closed before it had read all.
                              if (error && error != asio::error::broken_pipe) {
                                  return self->fail(self->broke(error));
                              }
                              self->read_head();
                          });
    }

    void read_head() {
        http::async_read_header(socket_, buffer_, parser_,
                                [self = shared_from_this()](const error_code& error, std::size_t) {
                                    if (self->over_) return;
                                    if (error) return self->fail(self->broke(error));
                                    const auto status = self->parser_.get().result_int();
                                    if (self->stream_ && (status == 101 || status == 200))
                                        return self->become_stream();
                                    self->read_body();
                                });
    }

    void read_body() {
        http::async_read(socket_, buffer_, parser_,
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                             if (self->over_) return;
                             if (error) return self->fail(self->broke(error));
                             self->answer();
                         });
    }

    void answer() {
        const auto status = static_cast<int>(parser_.get().result_int());
        auto body = std::move(parser_.get().body());
        if (status < 200 || status > 299 || stream_) {
            auto text = os::one_line(error_message(body)).substr(0, longest_message);
            if (text.empty()) text = "HTTP status " + std::to_string(status);
            return fail("the Engine says: " + text, status);
        }
        const auto on_answer = std::exchange(on_answer_, nullptr);
        close();
        if (on_answer) on_answer(std::move(body));
    }

    void become_stream() {
        timer_.cancel();
        const auto first = buffer_.data();
        const std::string begin(static_cast<const char*>(first.data()), first.size());
        if (!begin.empty()) stream_->on_bytes(begin);
        if (!over_) read_stream();
    }

    void read_stream() {
        socket_.async_read_some(asio::buffer(piece_),
                                [self = shared_from_this()](const error_code& error, auto size) {
                                    if (self->over_) return;
                                    if (error) return self->end_stream(error);
                                    self->stream_->on_bytes({self->piece_.data(), size});
                                    if (!self->over_) self->read_stream();
                                });
    }

    void end_stream(const error_code& error) {
        if (error != asio::error::eof) return fail(broke(error));
        const auto calls = std::move(stream_);
        close();
        calls->on_end({});
    }

    void fail(std::string text, int status = 0) {
        if (over_) return;
        auto on_answer = std::exchange(on_answer_, nullptr);
        auto stream = std::move(stream_);
        close();
        if (stream) return stream->on_end({std::move(text), status});
        if (on_answer) on_answer(Trouble{std::move(text), status});
    }

    std::string too_late() const {
        return "the Engine at " + endpoint_.shown + " has not answered within " +
               core::in_words(request_.limit);
    }

    std::string broke(const error_code& error) const {
        if (error == http::error::body_limit || error == http::error::header_limit) {
            return "the Engine's answer to " + config::shown(request_.target) +
                   " is longer than any that is expected";
        }
        if (error == http::error::end_of_stream || error == http::error::partial_message ||
            error == asio::error::eof || error == asio::error::connection_reset) {
            return "the Engine at " + endpoint_.shown +
                   " closed the connection before it had "
                   "answered; see Docker's log";
        }
        return "the Engine's answer at " + endpoint_.shown + " cannot be read: " + error.message();
    }

    Endpoint endpoint_;
    HttpRequest request_;
    Socket socket_;
    asio::steady_timer timer_;
    http::request<http::string_body> message_;
    http::response_parser<http::string_body> parser_;
    boost::beast::flat_buffer buffer_;
    std::array<char, (16U << 10U)> piece_{};
    OnAnswer on_answer_;
    std::optional<StreamCalls> stream_;
    bool over_ = false;
};

} // namespace

void ask(asio::io_context& loop, const Endpoint& endpoint, HttpRequest request,
         OnAnswer on_answer) {
    std::make_shared<Exchange>(loop, endpoint, std::move(request))
        ->start(std::move(on_answer), std::nullopt);
}

std::shared_ptr<HttpStream> open_stream(asio::io_context& loop, const Endpoint& endpoint,
                                        HttpRequest request, StreamCalls calls) {
    auto exchange = std::make_shared<Exchange>(loop, endpoint, std::move(request));
    exchange->start(nullptr, std::move(calls));
    return exchange;
}

} // namespace sluice::fleet
