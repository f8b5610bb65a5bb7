#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>

#include "init/os/spawn.h"
#include "signals/inbox.h"
#include "signals/rule.h"

namespace sluice::os {

/// What came of a child that was run to its end for what it says.
struct Captured {
    enum class End {
        exited,       // `wait_status` and `output` are whole
        not_started,  // `failure` says why
        too_slow,     // killed at the limit
        asked_to_stop // killed: a drain signal came
    } end;
    int wait_status = 0;
    std::string output; // stdout and stderr, its first 1 MiB
    Spawned failure;
};

/// Runs a child inside the loop until it has ended and its output has been read, for `limit` at
/// most. Drives the loop itself and takes the inbox for that time: for before the service is
/// started. Signals that mean no drain are raised again afterwards, for whoever has the inbox then.
/// Throws std::system_error where no pipe can be had.
Captured capture(boost::asio::io_context& loop, signals::Inbox& inbox, const signals::Rules& rules,
                 Launch launch, std::chrono::milliseconds limit);

} // namespace sluice::os
