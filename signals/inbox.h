#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace sluice::signals {

/// A signal that came, and from whom.
struct Received {
    int signal;
    pid_t sender;                       // 0: from outside the PID namespace, or from the kernel
    std::optional<std::uint64_t> value; // where it was queued with one (sigqueue): the pointer
    bool from_process; // sent by another process, not raised by the kernel or by ourselves
};

/// The only reader of signals: one signalfd inside the loop. Ordinary signals that come together
/// are merged by the kernel and come lowest number first; real-time signals queue.
class Inbox {
  public:
    using Handler = std::function<void(const std::vector<Received>&)>;

    /// The signals must be blocked (block_all). Throws std::system_error.
    explicit Inbox(boost::asio::io_context& loop);

    /// Sets who is told of the next batches, from now on. Replaces whoever was told before. While
    /// it is nobody ({}), signals stay where they are, in the kernel.
    void deliver_to(Handler handler);

  private:
    void wait();
    void read_batch();

    boost::asio::posix::stream_descriptor descriptor_;
    Handler handler_;
    bool waiting_ = false;
};

} // namespace sluice::signals
