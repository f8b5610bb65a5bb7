#include "init/net/socket_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace sluice::net {

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(device_, other.device_);
    std::swap(inode_, other.inode_);
    return *this;
}

bool SocketFile::in_place() const {
    struct stat found {};

    return !path_.empty() && ::lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ &&
           found.st_ino == inode_;
}

int SocketFile::remove() noexcept {
    if (!in_place()) return 0;
    return ::unlink(path_.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

int SocketFile::move_to(const std::string& path) {
    if (std::rename(path_.c_str(), path.c_str()) != 0) return errno;
    path_ = path;
    return 0;
}

int SocketFile::exchange(SocketFile& other) {
    if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, other.path_.c_str(), RENAME_EXCHANGE) != 0) {
        return errno;
    }
    std::swap(path_, other.path_);
    return 0;
}

} // namespace sluice::net
