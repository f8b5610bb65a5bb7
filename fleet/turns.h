#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>

#include "fleet/rollout.h"

namespace sluice::fleet {

/// A Rollout in the loop: begins what it says, tells it what has ended and when its pauses are
/// over.
class Turns {
  public:
    /// Calls back once, when it has ended, with whether it went well.
    using OnEnded = std::function<void(bool)>;
    using Begin = std::function<void(std::size_t, OnEnded)>;

    /// `on_over` is called once, last. All of this must outlive the loop's run.
    Turns(boost::asio::io_context& loop, Rollout::Terms terms, Begin begin,
          std::function<void()> on_over);

    void start();

    /// Nobody else begins.
    void interrupt();

    const Rollout& rollout() const { return rollout_; }

  private:
    void tell(const Rollout::Event& event);

    Rollout rollout_;
    Begin begin_;
    std::function<void()> on_over_;
    boost::asio::steady_timer timer_;
};

} // namespace sluice::fleet
