#include "fleet/turns.h"

#include <utility>

namespace sluice::fleet {

using Clock = std::chrono::steady_clock;

Turns::Turns(boost::asio::io_context& loop, Rollout::Terms terms, Begin begin,
             std::function<void()> on_over)
    : rollout_(terms), begin_(std::move(begin)), on_over_(std::move(on_over)), timer_(loop) {}

void Turns::start() {
    tell(Rollout::Start{});
}

void Turns::interrupt() {
    tell(Rollout::Interrupted{});
}

void Turns::tell(const Rollout::Event& event) {
    for (const auto which : rollout_.on(event, Clock::now())) {
        begin_(which, [this, which](bool well) { tell(Rollout::Ended{which, well}); });
    }
    if (rollout_.over()) {
        timer_.cancel();
        if (const auto on_over = std::exchange(on_over_, nullptr)) on_over();
        return;
    }
    const auto wake_up = rollout_.wake_up();
    if (!wake_up) return;
    timer_.expires_at(*wake_up);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) tell(Rollout::Elapsed{});
    });
}

} // namespace sluice::fleet
