#include "init/fpm/warmup.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "init/fpm/warmup_request.h"

namespace sluice::fpm {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t most_at_a_time = 64;
constexpr auto pause = 10ms; // before one that found the way in full is tried again

} // namespace

/// One request, from its connection to its reply.
class WarmUp::Request {
  public:
    Request(WarmUp& warmup, const config::Warmup& entry, const Entrance& entrance, int number)
        : warmup_(warmup),
          entry_(entry),
          entrance_(entrance),
          number_(number),
          limit_(warmup.loop_),
          again_(warmup.loop_) {}

    ~Request() { close(); }

    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    int number() const { return number_; }

    void start() {
        limit_.set(entry_.timeout, [this] { end(late_complaint(entry_)); });
        again_.set(0ms, [this] { connect(); });
    }

  private:
    void connect() {
        auto begun = entrance_.way_in.connect();
        if (const int* const error = std::get_if<int>(&begun)) {
            if (*error == EAGAIN) {
                again_.set(pause, [this] { connect(); });
            } else {
                end(complaint(entry_, {.end = Reply::End::not_connected, .error = *error}));
            }
            return;
        }
        connection_ = std::make_shared<Connection>(warmup_.loop_, most_of_reply(entry_));
        connection_->open(std::get<net::OwnConnection>(std::move(begun)));
        connection_->ask(
            encode_request(params_of(entry_), entry_.body, AfterReply::close_connection),
            [this](const Reply& reply) { end(complaint(entry_, reply)); });
    }

    // The warm-up ends this request with that.
    void end(const std::optional<std::string>& why) {
        close();
        warmup_.answered(*this, why);
    }

    void close() {
        limit_.stop();
        again_.stop();
        if (connection_) connection_->close();
        connection_.reset();
    }

    WarmUp& warmup_;
    const config::Warmup& entry_;
    const Entrance& entrance_;
    int number_;
    Alarm limit_;
    Alarm again_;
    std::shared_ptr<Connection> connection_;
};

WarmUp::WarmUp(asio::io_context& loop, std::vector<config::Warmup> entries,
               std::vector<Entrance> entrances)
    : loop_(loop), entries_(std::move(entries)), entrances_(std::move(entrances)), begin_(loop) {}

WarmUp::~WarmUp() = default;

void WarmUp::start(Done done) {
    done_ = std::move(done);
    begin_.set(0ms, [this] {
        std::vector<std::string> pools;
        for (const auto& entrance : entrances_) pools.push_back(entrance.pool);
        if (const auto why = wrong_pool(entries_, pools)) {
            finish(why);
        } else {
            next_entry();
        }
    });
}

const Entrance* WarmUp::entrance_of(const config::Warmup& entry) const {
    if (entry.pool.empty()) return entrances_.size() == 1 ? &entrances_.front() : nullptr;
    const auto found = std::ranges::find(entrances_, entry.pool, &Entrance::pool);
    return found == entrances_.end() ? nullptr : &*found;
}

void WarmUp::next_entry() {
    begun_ = 0;
    while (current_ < entries_.size() && entries_[current_].count <= 0) ++current_;
    if (current_ == entries_.size()) {
        finish({});
    } else {
        fill();
    }
}

void WarmUp::fill() {
    const auto& entry = entries_[current_];
    const auto wanted = static_cast<std::size_t>(std::max(entry.concurrency, 1));
    while (begun_ < entry.count && under_way_.size() < std::min(wanted, most_at_a_time)) {
        under_way_.push_back(
            std::make_unique<Request>(*this, entry, *entrance_of(entry), ++begun_));
        under_way_.back()->start();
    }
}

void WarmUp::answered(Request& request, const std::optional<std::string>& complaint) {
    const auto& entry = entries_[current_];
    if (complaint) {
        finish(name_of(entry, current_ + 1, entrance_of(entry)->pool) + ", request " +
               std::to_string(request.number()) + " of " + std::to_string(entry.count) + ": " +
               *complaint);
        return;
    }
    // The caller is a callback of the request's connection, which keeps itself.
    std::erase_if(under_way_, [&](const auto& one) { return one.get() == &request; });
    if (begun_ < entry.count) {
        fill();
    } else if (under_way_.empty()) {
        ++current_;
        next_entry();
    }
}

void WarmUp::finish(const std::optional<std::string>& why) {
    under_way_.clear();
    if (const auto done = std::exchange(done_, {})) done(why);
}

} // namespace sluice::fpm
