#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "init/fpm/proof.h"

namespace sluice::fpm {

/// Makes a pool with pm = ondemand, which starts with no worker, have some before its users come.
///
/// FPM's master forks one for a connection that it sees while no worker is idle; many at once it
/// sees as one. So they are opened one after another, each with a ping and kept alive: when the
/// pong is there, its worker waits for a next request on it, which is not idle for FPM, and the
/// next connection takes another worker (tried with 8.2). At the end all are closed, and the
/// workers are idle, until the pool's pm.process_idle_timeout.
class HeadStart {
  public:
    HeadStart(boost::asio::io_context& loop, Entrance entrance);
    /// At any moment: nothing is told any more, and the workers are let go.
    ~HeadStart();
    HeadStart(const HeadStart&) = delete;
    HeadStart& operator=(const HeadStart&) = delete;

    /// Calls `done` once, never within this call, with the number of workers that have answered:
    /// `workers`, which is pm.max_children at most; or fewer, if within `limit` there were no
    /// more, one of them failed, or as many as a way in can have (64 for TCP) are open. That is no
    /// failure of the generation, it grows by itself then. To be called once.
    void start(int workers, std::chrono::milliseconds limit, std::function<void(int)> done);

  private:
    void next();
    void take(const Reply& reply);
    void finish();
    void close();

    boost::asio::io_context& loop_;
    Entrance entrance_;
    Alarm clock_;
    std::vector<std::shared_ptr<Connection>> connections_;
    int wanted_ = 0;
    int answered_ = 0;
    std::function<void(int)> done_;
};

} // namespace sluice::fpm
