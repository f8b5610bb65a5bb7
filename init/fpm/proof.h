#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "init/fpm/alarm.h"
#include "init/fpm/connection.h"

namespace sluice::fpm {

/// How sluice gets to one pool of a generation that has no users yet.
struct Entrance {
    std::string pool;
    net::WayIn way_in;
    std::string ping_path; // PoolPing
    std::string ping_response;
};

/// What is wrong with the reply to a ping, for the operator; empty: nothing.
std::string wrong_with_ping(const Entrance& entrance, const Reply& reply);

/// The proof that a generation answers: each pool's ping, over the listener that its users will
/// come by, answered by one of the workers that will serve them. While FPM boots, the connection
/// waits in the listener's queue; where it is reset or the answer is a wrong one, another is
/// tried (after 10 ms, and up to 500 ms later each time, for FPM logs those whom it keeps out).
class Proof {
  public:
    Proof(boost::asio::io_context& loop, std::vector<Entrance> entrances);
    /// At any moment: nothing is answered any more.
    ~Proof();
    Proof(const Proof&) = delete;
    Proof& operator=(const Proof&) = delete;

    /// Calls `answered` once, when every pool has answered, however long that takes; never within
    /// this call. To be called once.
    void start(std::function<void()> answered);

    /// Which pools have not answered yet and what came instead, in one sentence for the operator.
    std::string missing() const;

  private:
    class Pool;

    void one_answered();

    boost::asio::io_context& loop_;
    std::vector<std::unique_ptr<Pool>> pools_;
    std::size_t left_ = 0;
    Alarm none_; // for a generation without pools
    std::function<void()> answered_;
};

} // namespace sluice::fpm
