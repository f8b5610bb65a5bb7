#include "init/fpm/inquiry.h"

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "init/fpm/fastcgi.h"

namespace sluice::fpm {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A full status has some 400 bytes for each worker.
constexpr std::size_t most_output = std::size_t{4} * 1'024 * 1'024;

using Reply = std::function<void(std::optional<std::string>)>; // nothing: no answer

std::string request(const std::string& path, const std::string& query) {
    return encode_request({{"SCRIPT_NAME", path},
                           {"SCRIPT_FILENAME", path},
                           {"REQUEST_METHOD", "GET"},
                           {"REQUEST_URI", path},
                           {"QUERY_STRING", query}},
                          "", AfterReply::keep_connection);
}

/// One connection to FPM. Keeps itself alive while an operation of it is under way.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    explicit Connection(asio::io_context& loop) : socket_(loop) {}

    void open(const net::Endpoint& endpoint) {
        const auto address = net::socket_address(endpoint);
        // Both kinds connect at once or not at all: the other end is on this machine.
        error_code error;
        socket_.open(asio::generic::stream_protocol(address.storage.ss_family, 0), error);
        if (!error) socket_.non_blocking(true, error);
        socket_.async_connect(
            asio::generic::stream_protocol::endpoint(&address.storage, address.size),
            [self = shared_from_this()](const error_code& failed) {
                self->connected_ = !failed;
                self->failed_ = static_cast<bool>(failed);
                if (failed) {
                    self->finish({});
                } else if (!self->unsent_.empty()) {
                    self->write();
                }
            });
    }

    void ask(std::string bytes, Reply reply) {
        unsent_ = std::move(bytes);
        reply_ = std::move(reply);
        reader_ = ResponseReader(most_output);
        if (connected_) write();
    }

    bool usable() const { return !failed_ && !reply_; }

    void close() {
        failed_ = true;
        reply_ = {};
        error_code ignored;
        socket_.close(ignored);
    }

  private:
    void write() {
        asio::async_write(socket_, asio::buffer(unsent_),
                          [self = shared_from_this()](const error_code& failed, std::size_t) {
                              self->unsent_.clear();
                              if (failed) {
                                  self->finish({});
                              } else {
                                  self->read();
                              }
                          });
    }

    void read() {
        socket_.async_read_some(
            asio::buffer(buffer_),
            [self = shared_from_this()](const error_code& failed, std::size_t size) {
                if (failed || !self->reader_.feed({self->buffer_.data(), size})) {
                    self->finish({});
                } else if (self->reader_.done()) {
                    self->finish(self->reader_.output());
                } else {
                    self->read();
                }
            });
    }

    void finish(std::optional<std::string> output) {
        if (!output) failed_ = true;
        if (auto reply = std::exchange(reply_, {})) reply(std::move(output));
    }

    asio::generic::stream_protocol::socket socket_;
    bool connected_ = false;
    bool failed_ = false;
    std::string unsent_;
    Reply reply_;
    ResponseReader reader_{most_output};
    std::array<char, 8'192> buffer_{};
};

} // namespace

/// One pool's page, and the connection to it if there is one.
class Inquiry::Channel {
  public:
    Channel(asio::io_context& loop, StatusPage page) : loop_(loop), page_(std::move(page)) {}

    ~Channel() { close(); }

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void ask_status(Reply reply) { ask(request(page_.status_path, "json&full"), std::move(reply)); }

    void ping(Reply reply) { ask(request(page_.ping_path, ""), std::move(reply)); }

    void close() {
        if (connection_) connection_->close();
        connection_.reset();
    }

    void close_if_it_owes_an_answer() {
        if (connection_ && !connection_->usable()) close();
    }

  private:
    void ask(std::string bytes, Reply reply) {
        close_if_it_owes_an_answer();
        if (!connection_) {
            connection_ = std::make_shared<Connection>(loop_);
            connection_->open(page_.at);
        }
        connection_->ask(std::move(bytes), std::move(reply));
    }

    asio::io_context& loop_;
    StatusPage page_;
    std::shared_ptr<Connection> connection_;
};

/// One question to all pools.
struct Round {
    explicit Round(asio::io_context& loop) : clock(loop) {}

    asio::steady_timer clock;
    bool current = true; // false: another one has taken its place, or the Inquiry has gone
    std::size_t left = 0;
    std::vector<Status> statuses;
    Inquiry::Answer answer;
};

Inquiry::Inquiry(asio::io_context& loop, std::vector<StatusPage> pages) : loop_(loop) {
    for (auto& page : pages) {
        channels_.push_back(std::make_unique<Channel>(loop_, std::move(page)));
    }
}

Inquiry::~Inquiry() {
    close();
}

void Inquiry::close() {
    forget_round();
    for (const auto& channel : channels_) channel->close();
}

// A handler of its may be on its way, and must not touch what may have gone by then.
void Inquiry::forget_round() {
    if (!round_) return;
    round_->current = false;
    round_->clock.cancel();
    round_.reset();
}

void Inquiry::begin_round() {
    forget_round();
    round_ = std::make_shared<Round>(loop_);
}

void Inquiry::ask(std::chrono::milliseconds limit, Answer answer) {
    begin_round();
    round_->left = channels_.size();
    round_->answer = std::move(answer);
    // The loop may hand out an answer only after this call, so all are asked first.
    for (const auto& channel : channels_) {
        channel->ask_status([this, round = round_](const std::optional<std::string>& output) {
            if (!round->current) return;
            const auto page = output ? parse_page(*output) : std::nullopt;
            auto status = page ? parse_status(page->body) : std::nullopt;
            if (!status) {
                finish();
                return;
            }
            round->statuses.push_back(*std::move(status));
            if (--round->left == 0) finish();
        });
    }
    round_->clock.expires_after(limit);
    round_->clock.async_wait([this, round = round_](const error_code& error) {
        if (!error && round->current) finish();
    });
}

// The round is over, whole or not.
void Inquiry::finish() {
    const auto round = round_;
    forget_round();
    for (const auto& channel : channels_) channel->close_if_it_owes_an_answer();
    if (round->left > 0) {
        round->answer({});
    } else {
        round->answer(std::move(round->statuses));
    }
}

void Inquiry::ping(const std::function<void()>& answered) {
    close();
    begin_round();
    round_->left = channels_.size();
    for (const auto& channel : channels_) {
        channel->ping([this, answered, round = round_](const std::optional<std::string>& output) {
            if (!round->current) return;
            if (!output) {
                ping_again(answered);
            } else if (--round->left == 0) {
                close(); // or its worker would be kept for nothing
                answered();
            }
        });
    }
}

// A worker took the connection and died. While FPM boots it waits in the queue instead.
void Inquiry::ping_again(const std::function<void()>& answered) {
    begin_round();
    round_->clock.expires_after(std::chrono::milliseconds(100));
    round_->clock.async_wait([this, answered, round = round_](const error_code& error) {
        if (!error && round->current) ping(answered);
    });
}

} // namespace sluice::fpm
