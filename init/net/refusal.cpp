#include "init/net/refusal.h"

#include <cerrno>
#include <system_error>

namespace sluice::net {

namespace {

std::string words(int error) {
    return std::generic_category().message(error);
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

// What can be lacking at every step, whatever the address is.
std::string lack(int error) {
    switch (error) {
    case EMFILE:
        return "sluice has as many files open as it may. Give the container a higher limit "
               "(ulimits: nofile)";
    case ENFILE: return "this machine has as many files open as it may. Raise fs.file-max";
    case ENOMEM:
    case ENOBUFS:
        return words(error) + ". Give the container or the machine more memory (also "
                              "net.core.optmem_max), and try again";
    case ENOSPC: return words(error) + ". Make room on its file system";
    default: return words(error);
    }
}

std::string reason(const TcpEndpoint& endpoint, int error) {
    switch (error) {
    case EADDRINUSE:
        return "another process already listens there. Stop it, or give one of the two another "
               "port";
    case EADDRNOTAVAIL:
        return "no network interface here has this address. Listen on 0.0.0.0:" +
               std::to_string(endpoint.port) + ", or give the container the address";
    case EACCES:
        return "port " + std::to_string(endpoint.port) +
               " is reserved for root. Take one of 1024 or above, or give the container "
               "CAP_NET_BIND_SERVICE";
    case EAFNOSUPPORT:
        return "this kernel has no IPv6. Listen on 0.0.0.0:" + std::to_string(endpoint.port);
    default: return lack(error);
    }
}

std::string reason(const PathEndpoint& endpoint, int error) {
    const auto folder = folder_of(endpoint.path);
    switch (error) {
    case EADDRINUSE:
        return "another process already listens there. Stop it, or give one of the two another "
               "path";
    case ENOENT: return "the folder " + folder + " does not exist. Create it in the image";
    case ENOTDIR: return folder + " is not a folder";
    case EACCES:
        return "this user may not write in " + folder +
               ". Make the folder writable for it, or listen elsewhere";
    case EROFS:
        return folder +
               " is on a read-only file system. Mount a tmpfs or a volume there, or listen "
               "elsewhere";
    default: return lack(error);
    }
}

Refused refused(const Endpoint& endpoint, int error, const std::string& why) {
    return {error, "cannot listen on " + to_string(endpoint) + ": " + why};
}

} // namespace

Refused cannot_listen(const Endpoint& endpoint, int error) {
    return refused(endpoint, error,
                   std::visit([&](const auto& kind) { return reason(kind, error); }, endpoint));
}

Refused path_is_taken(const PathEndpoint& endpoint) {
    return refused(endpoint, EEXIST,
                   "there is something else than a stream socket at this path, and sluice does not "
                   "remove it. Remove it, or listen elsewhere");
}

Refused path_is_anothers(const PathEndpoint& endpoint) {
    return refused(endpoint, EACCES,
                   "another user's socket is at this path, and this user may not connect to it to "
                   "see whether somebody listens. Remove it, or listen elsewhere");
}

Refused path_is_too_long(const PathEndpoint& endpoint) {
    return refused(endpoint, ENAMETOOLONG,
                   "the path has " + std::to_string(endpoint.path.size()) +
                       " bytes and a socket's may have " + std::to_string(longest_path) +
                       ". Take a shorter one");
}

Refused cannot_change(const PathEndpoint& endpoint, const std::string& what, const std::string& key,
                      int error) {
    auto why = "the socket cannot get " + what + " (" + key + "): " + words(error);
    if (error == EPERM) {
        why += ". Start as root with CAP_CHOWN, or leave " + key + " out";
    }
    return refused(endpoint, error, why);
}

Refused cannot_overlap(const Endpoint& endpoint, const Endpoint& other, const std::string& whom,
                       bool served) {
    return refused(
        endpoint, EADDRINUSE,
        "it overlaps " + to_string(other) + ", " +
            (served ? "which is served, for " : "which is there for ") + whom +
            ". Give one of the two another port" +
            (served ? "; if one is to take the other's place, restart the container" : ""));
}

Refused cannot_go_back(const Endpoint& endpoint, int error) {
    return {error, to_string(endpoint) + " cannot be given back to the listener that had it (" +
                       words(error) +
                       "), so that nobody can connect there; restart the container, which binds "
                       "it again"};
}

Refused cannot_select(const Endpoint& endpoint, int error) {
    const auto* const option = " (SO_ATTACH_REUSEPORT_CBPF: ";
    switch (error) {
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENOSYS:
    case EPERM: // seccomp
    case EACCES:
        return {error,
                "cannot run two generations on " + to_string(endpoint) +
                    ": this kernel does not let a program choose between their listeners" + option +
                    words(error) + "). Use reload.strategy = \"shared\"",
                true};
    default:
        return {error, "cannot choose between two generations on " + to_string(endpoint) + option +
                           lack(error) + ")"};
    }
}

} // namespace sluice::net
