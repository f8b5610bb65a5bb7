#include "init/net/unix_bind.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <ctime>

#include "init/net/socket.h"

namespace sluice::net {

namespace {

std::string octal(mode_t mode) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "mode %04o", static_cast<unsigned>(mode));
    return text.data();
}

// An O_PATH descriptor holds this very file: chown and chmod by name would follow a symlink that
// the folder's owner puts there in between, and sluice may be root.
std::optional<Refused> set_rights(const os::Descriptor& file, const PathEndpoint& path,
                                  std::optional<uid_t> owner, std::optional<gid_t> group,
                                  mode_t mode) {
    constexpr auto as_it_is = static_cast<uid_t>(-1);
    if (owner && ::fchownat(file.get(), "", *owner, as_it_is, AT_EMPTY_PATH) != 0) {
        return cannot_change(path, "owner uid " + std::to_string(*owner), "listen.owner", errno);
    }
    if (group && ::fchownat(file.get(), "", as_it_is, *group, AT_EMPTY_PATH) != 0) {
        return cannot_change(path, "group gid " + std::to_string(*group), "listen.group", errno);
    }

    struct stat made {};

    if (::fstat(file.get(), &made) != 0) return cannot_listen(path, errno);
    if ((made.st_mode & 07777) == mode) return {};
    // Only a folder with a default ACL, which has umask's word, brings us here.
    const auto link = "/proc/self/fd/" + std::to_string(file.get());
    if (::chmod(link.c_str(), mode) == 0) return {};
    return cannot_change(path, octal(mode), "listen.mode", errno);
}

} // namespace

std::optional<Refused> make_way(const PathEndpoint& path) {
    if (path.path.size() > longest_path) return path_is_too_long(path);

    struct stat found {};

    if (::lstat(path.path.c_str(), &found) != 0) {
        if (errno == ENOENT) return {}; // a missing folder is bind's to report
        return cannot_listen(path, errno);
    }
    if (!S_ISSOCK(found.st_mode)) return path_is_taken(path);
    // Not blocking: somebody whose queue is full listens, too (EAGAIN).
    const auto probe = stream_socket(path, SOCK_NONBLOCK);
    if (!probe) return cannot_listen(path, errno);
    switch (const int error = connect_to(probe, path)) {
    case 0:
    case EAGAIN: return cannot_listen(path, EADDRINUSE);
    case ENOENT: return {};
    case EPROTOTYPE: return path_is_taken(path);
    case EACCES: return path_is_anothers(path);
    case ECONNREFUSED: break;
    default: return cannot_listen(path, error);
    }
    if (::unlink(path.path.c_str()) != 0 && errno != ENOENT) return cannot_listen(path, errno);
    return {};
}

std::variant<SocketFile, Refused> bind_path(const os::Descriptor& socket, const PathEndpoint& path,
                                            std::optional<uid_t> owner, std::optional<gid_t> group,
                                            mode_t mode) {
    if (path.path.size() > longest_path) return path_is_too_long(path);
    const mode_t before = ::umask(0777 & ~mode);
    const int error = bind_to(socket, path);
    ::umask(before);
    if (error != 0) return cannot_listen(path, error);

    const os::Descriptor file(::open(path.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));

    struct stat made {};

    if (!file || ::fstat(file.get(), &made) != 0) return cannot_listen(path, errno);
    // In a folder that others may write to, somebody may have put another file at the name since.
    if (!S_ISSOCK(made.st_mode) || made.st_nlink != 1) {
        return path_is_taken(path);
    }
    SocketFile name(path.path, made.st_dev, made.st_ino); // from here on a failure removes it
    if (auto refused = set_rights(file, path, owner, group, mode)) return *std::move(refused);
    return name;
}

PathEndpoint name_beside(const PathEndpoint& path) {
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number) {
        number = static_cast<std::uint32_t>(::time(nullptr)); // taken by chance: bind says so
    }
    std::array<char, 32> suffix{};
    std::snprintf(suffix.data(), suffix.size(), ".sluice-%08x", number);
    auto beside = path.path + suffix.data();
    if (beside.size() > longest_path) {
        beside = path.path.substr(0, path.path.rfind('/') + 1) + suffix.data();
    }
    return {beside};
}

} // namespace sluice::net
