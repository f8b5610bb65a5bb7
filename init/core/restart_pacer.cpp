#include "init/core/restart_pacer.h"

#include <algorithm>

namespace sluice::core {

RestartPacer::RestartPacer(config::Backoff backoff, config::RestartLimit limit)
    : backoff_(backoff), limit_(limit) {}

std::optional<config::Duration> RestartPacer::after_death(TimePoint now) {
    while (!deaths_.empty() && now - deaths_.front() > limit_.window) deaths_.pop_front();
    deaths_.push_back(now);
    if (deaths() > limit_.count) return {};
    auto pause = backoff_.first;
    for (int death = 1; death < deaths() && pause < backoff_.longest; ++death) pause *= 2;
    return std::min(pause, backoff_.longest);
}

} // namespace sluice::core
