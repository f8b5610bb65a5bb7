#pragma once

#include <string>

#include "init/net/endpoint.h"

namespace sluice::net {

/// A sentence for the operator: what could not be listened on, why, and what to do.
struct Refused {
    int error; // errno
    std::string why;
    // The kernel, or the container's policy, lets no program choose between two listeners of one
    // address, today as tomorrow: both generations can share one instead.
    bool no_selector = false;
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

/// Another endpoint that sluice has for `whom` ("pool www") takes it in, or is part of it, as
/// 0.0.0.0:9000 is of [::]:9000. `served`: users come to it.
Refused cannot_overlap(const Endpoint& endpoint, const Endpoint& other, const std::string& whom,
                       bool served);

/// The public name could not be given back to the listener that had it.
Refused cannot_go_back(const Endpoint& endpoint, int error);

/// SO_ATTACH_REUSEPORT_CBPF has failed: the kernel has none (gVisor, say) or a policy forbids it,
/// or it lacks something at this moment.
Refused cannot_select(const Endpoint& endpoint, int error);

} // namespace sluice::net
