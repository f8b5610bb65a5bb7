#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>

#include "init/os/command.h"
#include "signals/inbox.h"
#include "signals/rule.h"

namespace sluice::os {

/// Runs a command to its end, for `limit` at most. Drives the loop itself and takes the inbox for
/// that time: for before the service is started. Signals that mean no drain are raised again
/// afterwards, for whoever has the inbox then.
Captured capture(boost::asio::io_context& loop, signals::Inbox& inbox, const signals::Rules& rules,
                 Launch launch, std::chrono::milliseconds limit);

} // namespace sluice::os
