#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "init/fpm/effective_config.h"
#include "init/fpm/listen_address.h"
#include "init/fpm/needs.h"
#include "init/fpm/wrapper.h"
#include "init/net/listener.h"

namespace sluice::fpm {

/// One listening socket of FPM's that sluice can bind in its place.
struct PoolSocket {
    std::string pool;
    net::Wanted wanted;
    std::string key;   // what FPM_SOCKETS calls it
    bool users = true; // users connect to it; false: the user's own pm.status_listen
};

/// Where sluice asks a pool for its status.
struct StatusSocket {
    std::string pool;
    std::string key;                 // of a private socket; empty: the user's own, `at`
    std::optional<net::Endpoint> at; // the user's own pm.status_listen
    std::string status_path;
    std::string ping_path;
};

/// What a pool answers its ping with, over its own listener.
struct PoolPing {
    std::string pool;
    std::string path;
    std::string response;
};

struct Sockets {
    std::vector<PoolSocket> listeners;
    std::vector<StatusSocket> status;
    std::vector<PoolPing> pings; // of the pools that sluice listens for and that have a ping
    bool status_of_all = false;  // of every pool
    Overrides overrides;
    bool all = false; // the service has no other listeners
    std::vector<std::string> notices;
};

/// What deciding about the sockets needs to know about the machine.
struct Machine {
    std::string hosts; // the text of /etc/hosts
    Ipv6 ipv6;
    std::function<std::optional<uid_t>(const std::string&)> user_id;
    std::function<std::optional<gid_t>(const std::string&)> group_id;
    // Random, new at each start: part of names and paths that nobody outside is to guess.
    std::string token;
};

/// Which of the pools' listening sockets sluice binds, and how FPM is told. What it cannot own is
/// left to FPM with a notice. Pure. `own_names`: a wrapper config can set the pools' keys, so that
/// a path is passed under a private name (FPM unlinks the name that it knows when it exits), and
/// with it what the generation `needs`, which is nothing without.
Sockets plan_sockets(const EffectiveConfig& config, const Machine& machine, bool own_names,
                     const Needs& needs = {});

} // namespace sluice::fpm
