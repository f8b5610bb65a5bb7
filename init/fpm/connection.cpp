#include "init/fpm/connection.h"

#include <fcntl.h>

#include <sys/socket.h>

#include <boost/asio/write.hpp>
#include <cerrno>
#include <utility>

namespace sluice::fpm {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

int option_of(int socket, int option) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

} // namespace

void Connection::open(const net::Endpoint& endpoint) {
    const auto address = net::socket_address(endpoint);
    // Both kinds connect at once or not at all: the other end is on this machine.
    error_code error;
    socket_.open(asio::generic::stream_protocol(address.storage.ss_family, 0), error);
    // Asio does not ask for that, and FPM's next run must not inherit a connection to this one.
    if (!error) ::fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!error) socket_.non_blocking(true, error);
    socket_.async_connect(
        asio::generic::stream_protocol::endpoint(&address.storage, address.size),
        [self = shared_from_this()](const error_code& failed) { self->connected(failed.value()); });
}

void Connection::open(net::OwnConnection begun) {
    own_ = std::move(begun);
    const int descriptor = own_->descriptor();
    error_code error;
    socket_.assign(asio::generic::stream_protocol(option_of(descriptor, SO_DOMAIN), 0), descriptor,
                   error);
    // Where it could not be assigned this fails, too.
    socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](
                                                          const error_code& failed) {
        if (!self->own_) return; // closed meanwhile
        self->connected(failed ? failed.value() : option_of(self->own_->descriptor(), SO_ERROR));
    });
}

void Connection::connected(int error) {
    if (failed_) return;
    connected_ = error == 0;
    if (error != 0) {
        finish(Reply::End::not_connected, error);
    } else if (!unsent_.empty()) {
        write();
    }
}

void Connection::ask(std::string bytes, Done done) {
    unsent_ = std::move(bytes);
    done_ = std::move(done);
    reader_ = ResponseReader(most_);
    if (connected_) write();
}

void Connection::close() {
    failed_ = true;
    done_ = {};
    error_code ignored;
    if (own_ && socket_.is_open()) {
        socket_.release(ignored); // its owner closes it
    } else {
        socket_.close(ignored);
    }
    own_.reset();
}

void Connection::write() {
    asio::async_write(socket_, asio::buffer(unsent_),
                      [self = shared_from_this()](const error_code& failed, std::size_t) {
                          self->unsent_.clear();
                          if (failed) {
                              self->finish(Reply::End::cut, failed.value());
                          } else {
                              self->read();
                          }
                      });
}

void Connection::read() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](
                                                       const error_code& failed, std::size_t size) {
        if (failed) {
            const bool closed = failed == asio::error::eof;
            self->finish(Reply::End::cut, closed ? 0 : failed.value());
        } else if (!self->reader_.feed({self->buffer_.data(), size})) {
            self->finish(Reply::End::no_fastcgi);
        } else if (self->reader_.done()) {
            self->finish(Reply::End::whole);
        } else {
            self->read();
        }
    });
}

void Connection::finish(Reply::End end, int error) {
    const auto done = std::exchange(done_, {});
    if (end != Reply::End::whole) failed_ = true;
    if (!done) return;
    done({.end = end,
          .error = error,
          .output = reader_.output(),
          .errors = reader_.error_output(),
          .truncated = reader_.truncated(),
          .status = reader_.protocol_status()});
}

std::string own_page_request(const std::string& path, const std::string& query) {
    return encode_request({{"SCRIPT_NAME", path},
                           {"SCRIPT_FILENAME", path},
                           {"REQUEST_METHOD", "GET"},
                           {"REQUEST_URI", path},
                           {"QUERY_STRING", query}},
                          "", AfterReply::keep_connection);
}

} // namespace sluice::fpm
