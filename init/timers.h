#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <utility>

#include "init/core/event.h"

namespace sluice {

/// The lifecycle's timers inside the loop: monotonic, one of each kind for each
/// generation.
class Timers {
  public:
    using Fired = std::function<void(core::Timer, core::Which)>;

    Timers(boost::asio::io_context& loop, Fired fired) : loop_(loop), fired_(std::move(fired)) {}

    /// (Re-)arms a timer; what it was armed for before does not fire any more.
    void arm(core::Timer timer, core::Which of, core::TimePoint at);

  private:
    struct Slot {
        boost::asio::steady_timer clock;
        unsigned armed = 0; // how often: tells a time that was replaced after it had fired
    };

    using Name = std::pair<core::Timer, core::Which>;

    void wait(Name name, Slot& slot, bool let_others_first);

    boost::asio::io_context& loop_;
    Fired fired_;
    std::map<Name, Slot> slots_;
};

} // namespace sluice
