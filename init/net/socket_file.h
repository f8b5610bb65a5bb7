#pragma once

#include <sys/types.h>

#include <string>
#include <utility>

namespace sluice::net {

/// The name of one bound unix socket in the file system. Removes it at the end, but only as long as
/// the name still leads to this socket: by name alone an old generation would delete what the new
/// one uses. (The inode's number is not given to another file while the socket is open anywhere.)
/// Whoever puts another file there between the look and the unlink loses it; nothing but a lock
/// that all would have to keep could prevent that.
class SocketFile {
  public:
    /// For a socket that was just bound to the path, and whose inode this is.
    SocketFile(std::string path, dev_t device, ino_t inode)
        : path_(std::move(path)), device_(device), inode_(inode) {}

    SocketFile(SocketFile&& other) noexcept
        : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

    SocketFile& operator=(SocketFile&& other) noexcept;
    SocketFile(const SocketFile&) = delete;
    SocketFile& operator=(const SocketFile&) = delete;

    ~SocketFile() { remove(); }

    /// Where the socket was bound, or moved to since.
    const std::string& path() const { return path_; }

    /// True while the path leads to this socket.
    bool in_place() const;

    /// Takes the name away if it is still this socket's. 0, or unlink's errno.
    int remove() noexcept;

    /// Moves the name, at once and over whatever is there. 0, or rename's errno: nothing changed.
    int move_to(const std::string& path);

    /// The two take each other's name, in one step. 0, or renameat2's errno: nothing changed
    /// (EINVAL: the file system cannot, as NFS).
    int exchange(SocketFile& other);

  private:
    std::string path_; // empty: removed
    dev_t device_;
    ino_t inode_;
};

} // namespace sluice::net
