#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "init/os/spawn.h"

namespace sluice::os {

/// What came of a child that was run to its end for what it says.
struct Captured {
    enum class End {
        exited,       // `wait_status` and `output` are whole
        not_started,  // `failure` says why
        too_slow,     // killed at the limit
        asked_to_stop // killed: a drain signal came
    } end = End::exited;
    int wait_status = 0;
    std::string output; // stdout and stderr, its first 1 MiB
    Spawned failure;
};

/// Such a child, inside the loop. It leads a process group of its own, which is killed at the
/// limit, with this object, and when the child has ended. Its end is the reaper's to see, who tells
/// it here.
class Command {
  public:
    using Done = std::function<void(const Captured&)>;

    /// Starts it. `done` is called once, from the loop or from ended(), unless this object goes
    /// before. A pipe that cannot be had counts as a start that failed (Stage::descriptors).
    Command(boost::asio::io_context& loop, Launch launch, std::chrono::milliseconds limit,
            Done done);
    ~Command();
    Command(const Command&) = delete;
    Command& operator=(const Command&) = delete;

    /// -1: it was not started.
    pid_t pid() const;

    /// Kills it. `why` is what `done` will be told once it has ended.
    void kill(Captured::End why);

    /// It has ended: reads what is left of its output, and calls `done`.
    void ended(int wait_status);

  private:
    class Running;
    std::shared_ptr<Running> running_;
};

} // namespace sluice::os
