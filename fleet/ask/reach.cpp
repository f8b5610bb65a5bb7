#include "fleet/ask/reach.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "init/control/address.h"
#include "init/os/text_file.h"

namespace sluice::fleet {

namespace {

using boost::system::error_code;
using os::Descriptor;

// It takes about 1 ms. A container's own file system may answer never (FUSE, NFS).
constexpr std::chrono::seconds patience(2);
constexpr std::size_t length_of_id = 64; // of Docker's; shorter ones might be found by chance

/// The namespaces to connect from.
struct Inside {
    Descriptor pid;
    Descriptor mount;
    Descriptor network;
    ino_t pid_number; // of the PID namespace
};

Descriptor open_read(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

std::optional<ino_t> number_of(const Descriptor& space) {
    struct stat status {};

    if (!space || ::fstat(space.get(), &status) != 0) return {};
    return status.st_ino;
}

// All by one descriptor of the process's folder, which never becomes that of a later process with
// this pid.
std::optional<Inside> look_inside(const Container& container) {
    if (container.pid <= 0 || container.id.size() != length_of_id) return {};
    const auto path = "/proc/" + std::to_string(container.pid);
    const Descriptor folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return {};
    const auto process = "/proc/self/fd/" + std::to_string(folder.get());
    if (os::text_of(process + "/cgroup").find(container.id) == std::string::npos) return {};
    Inside inside{.pid = open_read(process + "/ns/pid"),
                  .mount = open_read(process + "/ns/mnt"),
                  .network = open_read(process + "/ns/net"),
                  .pid_number = 0};
    const auto number = number_of(inside.pid);
    if (!number || !inside.mount || !inside.network || number == control::pid_namespace()) {
        return {};
    }
    inside.pid_number = *number;
    return inside;
}

// Where it fails errno says why.
Descriptor connect_to(const std::string& address) {
    const auto made = control::unix_address(address);
    if (!made) return {};
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* const plain = reinterpret_cast<const sockaddr*>(&made->storage);
    if (!socket || ::connect(socket.get(), plain, made->size) != 0) return {};
    return socket;
}

// A message of one byte that may carry one descriptor.
struct Parcel {
    char byte = 0;
    iovec piece{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};

    Parcel() {
        message.msg_iov = &piece;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
    }

    ~Parcel() = default;
    Parcel(const Parcel&) = delete;
    Parcel& operator=(const Parcel&) = delete;
};

void send_nobody(int channel) {
    Parcel parcel;
    parcel.message.msg_controllen = 0;
    ::sendmsg(channel, &parcel.message, MSG_NOSIGNAL);
}

void send_descriptor(int channel, int descriptor) {
    Parcel parcel;
    auto* const header = CMSG_FIRSTHDR(&parcel.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    ::sendmsg(channel, &parcel.message, MSG_NOSIGNAL);
}

Reached receive(int channel) {
    Parcel parcel;
    if (::recvmsg(channel, &parcel.message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != 1) return {};
    const auto* const header = CMSG_FIRSTHDR(&parcel.message);
    if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return {.socket = {}, .nobody = true};
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return {.socket = Descriptor(descriptor)};
}

// The child. It has all of root's rights among the container's processes, so it does no more than
// this, and none of them may trace it: that takes the same rights.
[[noreturn]] void connect_inside(const Inside& inside, int channel) {
    ::prctl(PR_SET_DUMPABLE, 0);
    if (::setns(inside.network.get(), CLONE_NEWNET) != 0) ::_exit(1);
    if (::setns(inside.mount.get(), CLONE_NEWNS) != 0) ::_exit(1);
    auto socket = connect_to(control::usual_path);
    if (!socket) socket = connect_to(control::abstract_name(inside.pid_number, 1));
    if (socket) {
        send_descriptor(channel, socket.get());
    } else if (errno == ECONNREFUSED) {
        send_nobody(channel);
    }
    ::_exit(0);
}

// Its pid, or -1.
pid_t fork_inside(const Inside& inside, int channel) {
    const auto own = open_read("/proc/self/ns/pid");
    if (!own || ::setns(inside.pid.get(), CLONE_NEWPID) != 0) return -1; // for children
    // Ctrl-C reaches the child, too, and its handler would tell us of a second one.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const pid_t child = ::fork();
    if (child == 0) connect_inside(inside, channel);
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    ::setns(own.get(), CLONE_NEWPID);
    return child;
}

bool is_held_by(const Descriptor& socket, pid_t pid) {
    ucred holder{};
    socklen_t size = sizeof holder;
    return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &holder, &size) == 0 &&
           holder.pid == pid;
}

class Reaching : public std::enable_shared_from_this<Reaching> {
  public:
    Reaching(boost::asio::io_context& loop, pid_t first, OnReached on_reached)
        : first_(first), on_reached_(std::move(on_reached)), channel_(loop), timer_(loop) {}

    // Nothing is called back where it gives false.
    bool start(const Inside& inside) {
        std::array<int, 2> ends{-1, -1};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return false;
        channel_.assign(ends[0]);
        const Descriptor child_end(ends[1]);
        child_ = fork_inside(inside, child_end.get());
        if (child_ < 0) return false;
        timer_.expires_after(patience);
        timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->end({});
        });
        channel_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](const error_code& error) {
                                if (!error) self->answered();
                            });
        return true;
    }

  private:
    void answered() {
        auto reached = receive(channel_.native_handle());
        if (reached.socket && !is_held_by(reached.socket, first_)) reached = {};
        end(std::move(reached));
    }

    void end(Reached reached) {
        if (child_ < 0) return;
        // It has done what it was for, or never will; one that cannot even be killed is left alone.
        ::kill(child_, SIGKILL);
        ::waitpid(std::exchange(child_, -1), nullptr, timer_.expiry() > Clock::now() ? 0 : WNOHANG);
        timer_.cancel();
        channel_.close();
        const auto on_reached = std::exchange(on_reached_, nullptr);
        on_reached(std::move(reached));
    }

    using Clock = std::chrono::steady_clock;

    pid_t first_;
    OnReached on_reached_;
    boost::asio::posix::stream_descriptor channel_;
    boost::asio::steady_timer timer_;
    pid_t child_ = -1;
};

} // namespace

void reach(boost::asio::io_context& loop, const Container& container, OnReached on_reached) {
    const auto inside = look_inside(container);
    const auto reaching = std::make_shared<Reaching>(loop, container.pid, on_reached);
    if (inside && reaching->start(*inside)) return;
    boost::asio::post(loop, [on_reached = std::move(on_reached)] { on_reached({}); });
}

} // namespace sluice::fleet
