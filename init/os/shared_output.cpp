#include "init/os/shared_output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <string>

namespace sluice::os {

namespace {

// Fails on another user's pipe and on a socket.
Descriptor open_again(int fd) {
    const auto path = "/proc/self/fd/" + std::to_string(fd);
    return Descriptor(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

bool has_room(int fd, std::size_t size) {
    int used = 0;
    const int capacity = ::fcntl(fd, F_GETPIPE_SZ);
    // A page more: what another writer has begun takes up a page of its own.
    return capacity > 0 && ::ioctl(fd, FIONREAD, &used) == 0 &&
           static_cast<std::size_t>(capacity - used) >= size + PIPE_BUF;
}

ssize_t write_no_wait(int fd, std::string_view text) {
    iovec part{const_cast<char*>(text.data()), text.size()};
    const auto written = ::pwritev2(fd, &part, 1, -1, RWF_NOWAIT);
    if (written >= 0 || errno != EOPNOTSUPP) return written;
    // A terminal, which somebody reads; or a named pipe, or a kernel before 6.4, where the room is
    // all that can be looked at.
    if (::isatty(fd) != 0 || has_room(fd, text.size())) {
        return ::write(fd, text.data(), text.size());
    }
    errno = EAGAIN;
    return -1;
}

} // namespace

SharedOutput::SharedOutput(int fd) : fd_(fd) {
    struct stat status {};

    if (::fstat(fd, &status) != 0) return;
    if (S_ISSOCK(status.st_mode)) {
        way_ = Way::socket;
    } else if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
        own_ = open_again(fd);
        way_ = own_ ? Way::own : Way::no_wait;
    }
    // A regular file does not make its writer wait for a reader; a second opening of it would
    // have an offset of its own and overwrite what the service wrote.
}

ssize_t SharedOutput::write(std::string_view text) {
    ssize_t written = -1;
    do {
        switch (way_) {
        case Way::plain: written = ::write(fd_, text.data(), text.size()); break;
        case Way::own: written = ::write(own_.get(), text.data(), text.size()); break;
        case Way::no_wait: written = write_no_wait(fd_, text); break;
        case Way::socket:
            written = ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        }
    } while (written < 0 && errno == EINTR);
    return written;
}

} // namespace sluice::os
