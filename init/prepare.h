#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "init/core/plan.h"
#include "init/fpm_generation.h"
#include "init/generation.h"
#include "init/os/command.h"
#include "signals/inbox.h"

namespace sluice {

/// All that is needed to start the service, or why it must not be started.
struct Prepared {
    Generation first;
    Intake intake;                     // its listeners, bound; only for a run
    std::optional<FpmCall> fpm;        // what a reload asks anew; nothing: there is nothing to ask
    std::vector<std::string> problems; // each one a reason not to start
    int exit_code = 0;                 // with a problem, or when asked to stop meanwhile
    int missing_program = 0;           // errno of looking for the program; said when it is started
    int check_failed = 0;              // FPM's -t refused, but a script may mend it: its status
    bool stopped = false;              // TERM, INT or QUIT came while FPM was being asked
};

/// Runs a program's check to its end.
using RunCheck = std::function<os::Captured(os::Launch launch)>;

/// Recognises the kind of service, finds its program, makes the plan and, for php-fpm, has FPM
/// check its own configuration first (a child inside the loop, with a time limit). `environment` is
/// what the service will get.
Prepared prepare(boost::asio::io_context& loop, signals::Inbox& inbox,
                 const config::Settings& settings, const core::Options& options,
                 const std::vector<std::string>& environment, Purpose purpose);

} // namespace sluice
