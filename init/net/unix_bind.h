#pragma once

#include <sys/types.h>

#include <optional>
#include <variant>

#include "init/net/endpoint.h"
#include "init/net/refusal.h"
#include "init/net/socket_file.h"
#include "init/os/descriptor.h"

namespace sluice::net {

/// Makes room for a new socket at the path: a socket that nobody listens on is removed. Refused if
/// somebody listens, or if something else is there. Nothing: the path is free.
std::optional<Refused> make_way(const PathEndpoint& path);

/// Binds the socket to the path, which must be free, and gives it owner, group and mode. It does
/// not listen yet, so nobody can connect before all is set.
std::variant<SocketFile, Refused> bind_path(const os::Descriptor& socket, const PathEndpoint& path,
                                            std::optional<uid_t> owner, std::optional<gid_t> group,
                                            mode_t mode);

/// A free name in the same folder: "<path>.sluice-1f2e3d4c", or without the file's own name where
/// that would be too long.
PathEndpoint name_beside(const PathEndpoint& path);

} // namespace sluice::net
