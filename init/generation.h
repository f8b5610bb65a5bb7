#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "init/core/plan.h"
#include "init/fpm/effective_config.h"
#include "init/intake.h"
#include "init/os/descriptor.h"
#include "init/os/private_folder.h"
#include "init/os/spawn.h"
#include "init/status_sockets.h"

namespace sluice {

/// For a program to check its configuration, which takes it 20 to 40 ms as a rule. 40 containers
/// that were started at once on two cores took more than 10 s, and nobody serves before it is over:
/// one that takes longer than this waits for something, and will not be up either.
inline constexpr std::chrono::seconds check_limit{60};

/// `check` binds nothing: the service may be running beside it.
enum class Purpose { run, check };

/// What a pool is asked over the listener that its users will come by.
struct Ping {
    std::string pool;
    std::string key; // of that listener
    std::string path;
    std::string response;
};

/// What the runs of one generation are made of. Its listeners are the Intake's.
struct Generation {
    core::Plan plan;
    os::Launch launch;                     // without the sockets, which handing_over() adds
    os::Descriptor fpm_config;             // the wrapper config, which `launch` hands over
    bool snapshot = false;                 // and which holds a copy of the user's; else it includes
    std::vector<Wish> wishes;              // the listeners that it is to have
    std::vector<Ping> pings;               // what proves that it answers
    std::map<std::string, int> head_start; // pool -> workers that are to be there before its users
    std::vector<fpm::Pool> pools;          // as the user configured them
    std::string user_pid_file;             // the one that php-fpm.conf names; empty: none
    std::string pid_file; // the same where sluice writes it; empty: FPM does, or nobody
    std::optional<os::PrivateFolder> folder; // where FPM writes its own then
    StatusSockets status;
};

/// How the plan's command is started. What an outer FPM or nginx was handed over is not for it.
os::Launch launch_of(const core::Plan& plan, std::vector<std::string> environment,
                     const std::string& search_path);

/// The launch of a run that gets these sockets (what the service calls each, and its descriptor)
/// and is told of them: FPM by FPM_SOCKETS, nginx by NGINX.
os::Launch handing_over(os::Launch launch, config::Kind kind,
                        const std::vector<std::pair<std::string, int>>& sockets);

} // namespace sluice
