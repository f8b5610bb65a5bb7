#pragma once

#include <string>

#include "init/net/endpoint.h"

namespace sluice::net {

/// A sentence for the operator: what could not be listened on, why, and what to do.
struct Refused {
    int error; // errno
    std::string why;
};

// One for each step that may fail; `error` is the step's errno. Pure.

Refused cannot_listen(const Endpoint& endpoint, int error);

/// What is at the path is no socket.
Refused path_is_taken(const PathEndpoint& endpoint);

/// A socket is at the path that this user may not connect to, so nobody knows whether it is stale.
Refused path_is_anothers(const PathEndpoint& endpoint);

Refused path_is_too_long(const PathEndpoint& endpoint);

/// `what` is "owner uid 33", "group gid 33" or "mode 0660", `key` the FPM key that asks for it.
Refused cannot_change(const PathEndpoint& endpoint, const std::string& what, const std::string& key,
                      int error);

/// The kernel does not let two generations share a TCP address (gVisor, say).
Refused cannot_select(const Endpoint& endpoint, int error);

} // namespace sluice::net
