#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

// Where a control socket is: an absolute path, or an abstract name, written with a leading "@".
// Abstract names need no folder that can be written, but all containers of one network namespace
// share them (a pod, the host's network). So ours hold the number of the PID namespace, which
// differs between containers even there.

/// Where the socket is when nothing is configured and the place can be written.
inline constexpr const char* usual_path = "/run/sluice.sock";

/// "@sluice-4026531836" for PID 1, else "@sluice-4026531836-77": several may live in one namespace.
std::string abstract_name(ino_t pid_namespace, pid_t pid);

/// The inode of our PID namespace; nothing where /proc does not tell.
std::optional<ino_t> pid_namespace();

struct UnixAddress {
    sockaddr_un storage{};
    socklen_t size = 0;
};

/// For bind and connect; nothing where it is too long, empty, or neither a path nor abstract.
std::optional<UnixAddress> unix_address(std::string_view address);

} // namespace sluice::control
