#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace sluice::fpm {

/// A timer that does not ring any more once it was stopped, set anew or destroyed. (Asio's cancel
/// does not reach a wait that is over and whose handler is already in the loop's queue.)
class Alarm {
  public:
    explicit Alarm(boost::asio::io_context& loop) : timer_(loop) {}

    /// Rings once, never within this call.
    void set(std::chrono::milliseconds after, std::function<void()> ring) {
        ring_ = std::make_shared<std::function<void()>>(std::move(ring));
        timer_.expires_after(after);
        timer_.async_wait([weak = std::weak_ptr(ring_)](const boost::system::error_code& error) {
            const auto alive = weak.lock(); // while it rings, even if that destroys the alarm
            if (!error && alive) (*alive)();
        });
    }

    void stop() {
        ring_.reset();
        timer_.cancel();
    }

  private:
    boost::asio::steady_timer timer_;
    std::shared_ptr<std::function<void()>> ring_;
};

} // namespace sluice::fpm
