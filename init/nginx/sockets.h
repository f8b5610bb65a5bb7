#pragma once

#include <string>
#include <variant>
#include <vector>

#include "init/net/listener.h"
#include "init/nginx/listens.h"

namespace sluice::nginx {

/// What deciding about the sockets needs to know about the machine.
struct Machine {
    std::string hosts; // the text of /etc/hosts
    bool root = true;
};

struct Sockets {
    std::vector<net::Wanted> listeners;
    bool all = true; // nginx has no others
    std::vector<std::string> notices;
};

/// Which of nginx's listening sockets sluice binds, in the way nginx would: each once, and none of
/// those that nginx leaves to a wildcard. What it cannot own is left to nginx with a notice. Pure.
Sockets plan_sockets(const Configuration& configuration, const Machine& machine);

} // namespace sluice::nginx
