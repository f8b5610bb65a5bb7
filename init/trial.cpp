#include "init/trial.h"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

using namespace std::chrono_literals;

// Forking a worker takes some milliseconds. What is not there by then FPM starts when it is needed.
constexpr auto head_start_limit = 2s;

} // namespace

Trial::Trial(boost::asio::io_context& loop, const Generation& generation, Intake& intake)
    : loop_(loop), wanted_(generation.head_start) {
    for (const auto& ping : generation.pings) {
        auto way_in = intake.way_in(ping.key);
        if (way_in) {
            entrances_.push_back({ping.pool, *std::move(way_in), ping.path, ping.response});
        } else {
            possible_ = false;
        }
    }
    possible_ = possible_ && !entrances_.empty();
}

void Trial::prove(std::function<void()> answered) {
    proof_.emplace(loop_, entrances_);
    proof_->start(std::move(answered));
}

std::string Trial::missing() const {
    return proof_ ? proof_->missing() : "";
}

void Trial::warm_up(const std::vector<config::Warmup>& entries,
                    std::function<void(const std::optional<std::string>&)> done) {
    proof_.reset();
    done_ = std::move(done);
    warm_up_.emplace(loop_, entries, entrances_);
    warm_up_->start([this](const std::optional<std::string>& complaint) {
        if (complaint) {
            done_(complaint);
        } else {
            next_head_start();
        }
    });
}

// Last, for FPM ends workers of an ondemand pool that have nothing to do.
void Trial::next_head_start() {
    while (!wanted_.empty()) {
        const auto [pool, workers] = *wanted_.begin();
        wanted_.erase(wanted_.begin());
        const auto entrance = std::ranges::find(entrances_, pool, &fpm::Entrance::pool);
        if (entrance == entrances_.end()) continue;
        head_start_.emplace(loop_, *entrance);
        head_start_->start(workers, head_start_limit,
                           [this](int /*answered*/) { next_head_start(); });
        return;
    }
    done_({});
}

} // namespace sluice
