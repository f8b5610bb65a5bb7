#include "init/control/session.h"

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

#include "init/control/reply.h"

namespace sluice::control {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// The time that a client has to send its request, and to take what it was sent. Both ends are on
// one machine: whoever needs longer stands still.
constexpr std::chrono::seconds patience(5);

// What a client may leave unread: several reports at their largest (report_json's limits).
constexpr std::size_t most_queued = std::size_t{4} * 1'024 * 1'024;

} // namespace

Session::Session(Socket socket, Peer peer)
    : socket_(std::move(socket)), timer_(socket_.get_executor()), peer_(peer) {}

void Session::start(OnRequest on_request) {
    on_request_ = std::move(on_request);
    arm();
    read();
}

void Session::line(std::string_view json) {
    if (ending_ || closed()) return;
    if (queued_.size() + sending_.size() + json.size() >= most_queued) {
        drop();
        return;
    }
    queued_ += json;
    queued_ += '\n';
    if (sending_.empty()) write();
}

void Session::end() {
    ending_ = true;
    if (sending_.empty()) drop();
}

void Session::drop() {
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    on_request_ = {};
    queued_.clear();
}

void Session::arm() {
    timer_.expires_after(patience);
    timer_.async_wait([weak = weak_from_this()](const error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->closed()) return;
        // Too late for the request; or it is the client that takes nothing.
        if (self->on_request_ && self->sending_.empty()) {
            self->refuse("no request came within " + std::to_string(patience.count()) + " s");
        } else {
            self->drop();
        }
    });
}

void Session::refuse(std::string why) {
    on_request_ = {};
    line(encode_reply(Failure{std::move(why)}));
    end();
}

void Session::read() {
    socket_.async_read_some(asio::buffer(buffer_.data() + received_, buffer_.size() - received_),
                            [self = shared_from_this()](const error_code& error, std::size_t size) {
                                if (self->closed()) return;
                                if (error == asio::error::eof) {
                                    self->on_end_of_input();
                                } else if (error) {
                                    self->drop();
                                } else {
                                    self->on_bytes(size);
                                }
                            });
}

void Session::on_bytes(std::size_t size) {
    if (!on_request_) { // it has asked, or was refused: nothing more is expected
        if (!ending_) drop();
        return;
    }
    received_ += size;
    const std::string_view text(buffer_.data(), received_);
    const auto end = text.find('\n');
    if (end == std::string_view::npos && received_ < buffer_.size()) {
        read();
        return;
    }
    if (end != std::string_view::npos && end + 1 < received_) {
        refuse("a connection takes one request, and something came behind its line");
        return;
    }
    // Without a newline it is too long, which parse_request says.
    const auto request = parse_request(text.substr(0, end));
    if (const auto* const why = std::get_if<std::string>(&request)) {
        refuse(*why);
        return;
    }
    received_ = 0;
    timer_.cancel();
    read(); // to see the client go
    std::exchange(on_request_, {})(std::get<Request>(request), shared_from_this());
}

// The client has closed, or will only read from now on (`echo ... | nc -U`).
void Session::on_end_of_input() {
    pollfd peer{.fd = socket_.native_handle(), .events = 0, .revents = 0};
    const bool gone = ::poll(&peer, 1, 0) == 1 && (peer.revents & (POLLHUP | POLLERR)) != 0;
    if (gone) {
        drop();
    } else if (on_request_) {
        refuse("the connection's input ended before the request's line did");
    }
}

void Session::write() {
    sending_ = std::exchange(queued_, {});
    arm();
    asio::async_write(socket_, asio::buffer(sending_),
                      [self = shared_from_this()](const error_code& error, std::size_t) {
                          self->sending_.clear();
                          if (self->closed()) return;
                          self->timer_.cancel();
                          if (!error && !self->queued_.empty()) {
                              self->write();
                          } else if (error || self->ending_) {
                              self->drop();
                          }
                      });
}

} // namespace sluice::control
