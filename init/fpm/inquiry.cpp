#include "init/fpm/inquiry.h"

#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "init/fpm/connection.h"

namespace sluice::fpm {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// A full status has some 400 bytes for each worker.
constexpr std::size_t most_output = std::size_t{4} * 1'024 * 1'024;

using Output = std::function<void(const std::optional<std::string>&)>; // nothing: no answer

} // namespace

/// One pool's page, and the connection to it if there is one.
class Inquiry::Channel {
  public:
    Channel(asio::io_context& loop, StatusPage page) : loop_(loop), page_(std::move(page)) {}

    ~Channel() { close(); }

    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    void ask_status(Output output) {
        ask(own_page_request(page_.status_path, "json&full"), std::move(output));
    }

    void ping(Output output) { ask(own_page_request(page_.ping_path, ""), std::move(output)); }

    void close() {
        if (connection_) connection_->close();
        connection_.reset();
    }

    void close_if_it_owes_an_answer() {
        if (connection_ && !connection_->usable()) close();
    }

  private:
    void ask(std::string bytes, Output output) {
        close_if_it_owes_an_answer();
        if (!connection_) {
            connection_ = std::make_shared<Connection>(loop_, most_output);
            connection_->open(page_.at);
        }
        connection_->ask(std::move(bytes), [output = std::move(output)](const Reply& reply) {
            const bool whole = reply.end == Reply::End::whole;
            output(whole ? std::optional(reply.output) : std::nullopt);
        });
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
