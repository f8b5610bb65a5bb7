#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>

#include "init/core/event.h"

namespace sluice {

/// The lifecycle's timers inside the loop: monotonic, one of each kind.
class Timers {
  public:
    using Fired = std::function<void(core::Timer)>;

    Timers(boost::asio::io_context& loop, Fired fired) : loop_(loop), fired_(std::move(fired)) {}

    /// (Re-)arms a timer; what it was armed for before does not fire any more.
    void arm(core::Timer timer, core::TimePoint at);

  private:
    struct Slot {
        boost::asio::steady_timer clock;
        unsigned armed = 0; // how often: tells a time that was replaced after it had fired
    };

    void wait(core::Timer timer, Slot& slot, bool let_others_first);

    boost::asio::io_context& loop_;
    Fired fired_;
    std::map<core::Timer, Slot> slots_;
};

} // namespace sluice
