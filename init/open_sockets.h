#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/fpm/inquiry.h"
#include "init/fpm/pool_sockets.h"
#include "init/intake.h"
#include "init/os/private_folder.h"

namespace sluice {

/// The sockets that sluice has bound for the service. They stay open over all of its runs.
struct OpenSockets {
    Intake intake; // what users connect to
    std::optional<os::PrivateFolder> folder;
    std::vector<net::Listener> others;    // FPM's status; after the folder: they leave it first
    std::vector<fpm::StatusPage> pages;   // where FPM can be asked
    std::vector<int> descriptors;         // all of them, for the service to inherit
    std::vector<std::string> environment; // FPM_SOCKETS, which tells it
    bool own_status = true;               // FPM can be given a status page of sluice's
    std::vector<std::string> problems;    // reasons not to start
};

/// Binds what was planned. With a problem nothing is to be used.
OpenSockets open_sockets(const fpm::Sockets& planned);

} // namespace sluice
