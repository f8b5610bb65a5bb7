#pragma once

#include <string>

#include "init/net/endpoint.h"

namespace sluice::net {

/// What the kernel lets this container do, tried on sockets of no consequence.
struct Features {
    bool refuses = false; // SO_BINDTOIFINDEX: an intake is closed without losing its queue
    bool selects = false; // SO_ATTACH_REUSEPORT_CBPF: one of two listeners takes what is new
    bool tells = false;   // NETLINK_SOCK_DIAG: which connections there are
};

Features find_features();

/// "at a stop new connections are refused, ...", or what is done instead, for each.
std::string describe(const Features& features);

/// Whether a socket can be bound there, with port 0: some port is free then.
bool can_be_bound(const TcpEndpoint& endpoint);

} // namespace sluice::net
