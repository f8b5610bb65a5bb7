#include "init/control/address.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>

namespace sluice::control {

std::string abstract_name(ino_t pid_namespace, pid_t pid) {
    const auto name = "@sluice-" + std::to_string(pid_namespace);
    return pid == 1 ? name : name + "-" + std::to_string(pid);
}

std::optional<ino_t> pid_namespace() {
    struct stat status {};

    if (::stat("/proc/self/ns/pid", &status) != 0) return {};
    return status.st_ino;
}

std::optional<UnixAddress> unix_address(std::string_view address) {
    UnixAddress made;
    const bool abstract = address.starts_with('@');
    // A path ends with a NUL, which has to fit, too. An abstract name begins with one.
    const bool fits = address.size() > 1 && address.size() < sizeof made.storage.sun_path;
    if (!fits || !(abstract || address.starts_with('/'))) return {};
    if (address.find('\0') != std::string_view::npos) return {};
    made.storage.sun_family = AF_UNIX;
    std::ranges::copy(address, static_cast<char*>(made.storage.sun_path));
    if (abstract) made.storage.sun_path[0] = '\0';
    // The size is part of an abstract name: no NUL behind it.
    made.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() +
                                       (abstract ? 0 : 1));
    return made;
}

} // namespace sluice::control
