#include "fleet/rollout.h"

#include <algorithm>

namespace sluice::fleet {

std::vector<std::size_t> Rollout::on(const Event& event, Time now) {
    if (std::holds_alternative<Start>(event)) started_ = true;
    if (std::holds_alternative<Interrupted>(event)) halted_ = true;
    if (const auto* const end = std::get_if<Ended>(&event)) ended(*end, now);
    return begin(now);
}

void Rollout::ended(const Ended& event, Time now) {
    auto& state = states_.at(event.which);
    if (state != State::under_way) return;
    state = event.well ? State::done : State::failed;
    const bool canary = terms_.canary && event.which == 0;
    if (!event.well && (canary || terms_.halt_at_failure)) halted_ = true;
    if (terms_.pause.count() == 0) return;
    // After the canary all places rest: whoever looks at it has that long.
    resting_.insert(resting_.end(), canary ? std::max<std::size_t>(terms_.parallel, 1) : 1,
                    now + terms_.pause);
}

std::vector<std::size_t> Rollout::begin(Time now) {
    std::erase_if(resting_, [&](Time until) { return until <= now; });
    std::vector<std::size_t> begun;
    if (!started_ || halted_) return begun;
    while (next_ < states_.size() && count(State::under_way) + resting_.size() < places()) {
        states_[next_] = State::under_way;
        begun.push_back(next_++);
    }
    return begun;
}

std::size_t Rollout::places() const {
    const bool canary_is_out =
        terms_.canary && !states_.empty() &&
        (states_.front() == State::waiting || states_.front() == State::under_way);
    return canary_is_out ? 1 : std::max<std::size_t>(terms_.parallel, 1);
}

bool Rollout::over() const {
    const bool none_to_begin = halted_ || next_ == states_.size();
    return started_ && none_to_begin && count(State::under_way) == 0;
}

std::optional<Rollout::Time> Rollout::wake_up() const {
    if (halted_ || next_ == states_.size() || resting_.empty()) return {};
    return *std::ranges::min_element(resting_);
}

std::size_t Rollout::count(State state) const {
    return static_cast<std::size_t>(std::ranges::count(states_, state));
}

std::vector<std::size_t> spread(std::size_t count, std::size_t parallel) {
    std::vector<std::size_t> order;
    const auto at_a_time = std::clamp<std::size_t>(parallel, 1, std::max<std::size_t>(count, 1));
    const auto stride = (count + at_a_time - 1) / at_a_time;
    for (std::size_t first = 0; first < stride; ++first) {
        for (auto at = first; at < count; at += stride) order.push_back(at);
    }
    return order;
}

std::size_t careful_parallel(std::size_t count) {
    return std::max<std::size_t>(count / 4, 1);
}

} // namespace sluice::fleet
