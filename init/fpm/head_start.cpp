#include "init/fpm/head_start.h"

#include <utility>

namespace sluice::fpm {

namespace asio = boost::asio;

namespace {

constexpr std::size_t most_output = 4'096;

} // namespace

HeadStart::HeadStart(asio::io_context& loop, Entrance entrance)
    : loop_(loop), entrance_(std::move(entrance)), clock_(loop) {}

HeadStart::~HeadStart() {
    close();
}

void HeadStart::start(int workers, std::chrono::milliseconds limit, std::function<void(int)> done) {
    wanted_ = workers;
    done_ = std::move(done);
    if (wanted_ > 0) next();
    const bool waits = connections_.size() == 1;
    clock_.set(waits ? limit : std::chrono::milliseconds(0), [this] { finish(); });
}

void HeadStart::next() {
    auto begun = entrance_.way_in.connect();
    if (std::holds_alternative<int>(begun)) return;
    auto connection = std::make_shared<Connection>(loop_, most_output);
    connection->open(std::get<net::OwnConnection>(std::move(begun)));
    connection->ask(own_page_request(entrance_.ping_path, ""),
                    [this](const Reply& reply) { take(reply); });
    connections_.push_back(std::move(connection));
}

void HeadStart::take(const Reply& reply) {
    if (!wrong_with_ping(entrance_, reply).empty()) {
        finish();
        return;
    }
    ++answered_;
    const auto so_far = connections_.size();
    if (answered_ < wanted_) next();
    if (connections_.size() == so_far) finish();
}

void HeadStart::finish() {
    clock_.stop();
    close();
    if (const auto done = std::exchange(done_, {})) done(answered_);
}

void HeadStart::close() {
    for (const auto& connection : connections_) connection->close();
    connections_.clear();
}

} // namespace sluice::fpm
