#pragma once

#include "init/net/endpoint.h"
#include "init/os/descriptor.h"

namespace sluice::net {

/// A stream socket for this kind of endpoint, close-on-exec, with a number of 20 or above; `flags`
/// may add SOCK_NONBLOCK. None on failure, with errno set.
os::Descriptor stream_socket(const Endpoint& endpoint, int flags = 0);

/// bind(2) and connect(2). 0 or errno.
int bind_to(const os::Descriptor& socket, const Endpoint& endpoint);
int connect_to(const os::Descriptor& socket, const Endpoint& endpoint);

/// setsockopt(2) with an int. 0 or errno.
int set_option(int socket, int level, int option, int value);

} // namespace sluice::net
