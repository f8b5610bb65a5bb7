#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "init/core/message.h"
#include "init/os/watched.h"

namespace sluice::os {

/// `reload.watch`: tells when one of these paths has changed and nothing more comes. What is
/// watched is in init/os/watched.h. While nothing happens there is no wake-up and no timer.
class Watch {
  public:
    using Clock = std::chrono::steady_clock;

    struct Pace {
        std::chrono::milliseconds quiet{500};      // after the last event
        std::chrono::milliseconds longest{10'000}; // after the first, if they do not end
        std::chrono::milliseconds lock{60'000};    // for .git/index.lock to go
    };

    /// Gets the path, as it was configured, that changed first and is there now; and when the last
    /// of the changes was seen.
    using Changed = std::function<void(const std::string& path, Clock::time_point last)>;
    /// Gets what turned out later: an index.lock that stays, a limit that was hit.
    using Say = std::function<void(const core::Message&)>;

    /// Both are called from the loop; `changed` may destroy the Watch. What the system refuses
    /// throws nothing: describe() tells.
    Watch(boost::asio::io_context& loop, Watched watched, Changed changed, Say say, Pace pace);
    Watch(boost::asio::io_context& loop, Watched watched, Changed changed, Say say = {});
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// For the log at start: one sentence a path, and a warning for everything that cannot be seen,
    /// with what to do. A warning is given once, here or to `say`.
    std::vector<core::Message> describe();

  private:
    struct Pending {
        std::set<std::size_t> paths;
        std::size_t first_path;
        Clock::time_point first;
        Clock::time_point last;
        std::optional<Clock::time_point> waits_for_lock; // since
    };

    void wait();
    void read();
    void arm(Clock::time_point at);
    void on_time();
    void report();
    void fire();
    core::Message stays_locked(const std::string& lock) const;

    Watched watched_;
    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer timer_;
    Changed changed_;
    Say say_;
    Pace pace_;
    std::optional<Pending> pending_;
    std::shared_ptr<bool> alive_; // tells handlers that the loop has already queued
};

} // namespace sluice::os
