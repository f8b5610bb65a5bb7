#pragma once

#include <chrono>
#include <deque>
#include <optional>

#include "config/settings.h"

namespace sluice::core {

using TimePoint = std::chrono::steady_clock::time_point;

/// How long to wait before a service that died is started again, and when to give up.
/// The pause doubles with each death that is still within the limit's window, so a service that
/// ran well for longer than the window starts from the first pause again.
class RestartPacer {
  public:
    RestartPacer(config::Backoff backoff, config::RestartLimit limit);

    /// Counts a death at `now`. Gives the pause before the next start, or nothing when the service
    /// has used up its restarts within the window.
    std::optional<config::Duration> after_death(TimePoint now);

    /// Deaths within the window, the last one counted.
    int deaths() const { return static_cast<int>(deaths_.size()); }

  private:
    config::Backoff backoff_;
    config::RestartLimit limit_;
    std::deque<TimePoint> deaths_; // at most limit_.count + 1
};

} // namespace sluice::core
