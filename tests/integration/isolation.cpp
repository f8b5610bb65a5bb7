#include "isolation.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>

namespace tests {

namespace {

constexpr std::uint32_t bind_to_interface = 62; // SO_BINDTOIFINDEX

void need(bool done) {
    if (!done) ::_exit(98);
}

std::uint32_t lower_half_of(unsigned argument) {
    constexpr bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + argument * 8 +
                                      (little ? 0 : 4));
}

// <sys/mount.h> and <linux/mount.h> cannot both be included.
int mount(const char* source, const char* target, const char* kind, unsigned long flags,
          const char* options) {
    return static_cast<int>(::syscall(SYS_mount, source, target, kind, flags, options));
}

void own_mounts() {
    constexpr unsigned long recursive = 16'384;
    constexpr unsigned long is_private = 1 << 18;
    need(::unshare(CLONE_NEWNS) == 0);
    need(mount("none", "/", nullptr, recursive | is_private, nullptr) == 0);
}

void empty(const char* folder) {
    need(mount("tmpfs", folder, "tmpfs", 0, "mode=1777") == 0);
}

void bring_up(const char* interface) {
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(&request.ifr_name[0], interface, IFNAMSIZ - 1);
    need(::ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0);
    request.ifr_flags |= IFF_UP;
    need(::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0);
}

} // namespace

void forbid(long call, unsigned argument, std::uint32_t value, int error) {
    std::array<sock_filter, 6> program{{
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, static_cast<std::uint32_t>(call)},
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, lower_half_of(argument)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    }};
    sock_fprog filter{.len = program.size(), .filter = program.data()};
    need(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    need(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0);
}

void forbid_hiding() {
    forbid(SYS_setsockopt, 2, bind_to_interface, ENOPROTOOPT);
}

void forbid_sock_diag() {
    forbid(SYS_socket, 2, NETLINK_SOCK_DIAG, EPROTONOSUPPORT);
}

void own_network(bool v6_only) {
    need(::unshare(CLONE_NEWNET) == 0);
    bring_up("lo");
    const Descriptor setting(::open("/proc/sys/net/ipv6/bindv6only", O_WRONLY | O_CLOEXEC));
    need(::write(setting.get(), v6_only ? "1" : "0", 1) == 1);
}

void empty_scratch_folders() {
    own_mounts();
    for (const char* const scratch : {"/run", "/dev/shm"}) empty(scratch);
}

void usual_config_is(const std::string& file, const std::string& scratch) {
    const auto upper = scratch + "/etc";
    const auto work = scratch + "/etc-work";
    need(::mkdir(upper.c_str(), 0755) == 0 && ::mkdir(work.c_str(), 0755) == 0);
    need(::symlink(file.c_str(), (upper + "/sluice.toml").c_str()) == 0);
    own_mounts();
    const auto options = "lowerdir=/etc,upperdir=" + upper + ",workdir=" + work;
    need(mount("overlay", "/etc", "overlay", 0, options.c_str()) == 0);
}

void read_only_root() {
    own_mounts();
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY;
    need(::syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &attributes,
                   sizeof attributes) == 0);
    empty("/dev/shm");
}

std::vector<std::string> without_privileges() {
    return {"setpriv",        "--reuid", "33",
            "--regid",        "33",      "--clear-groups",
            "--inh-caps",     "-all",    "--no-new-privs",
            "--bounding-set", "-all"};
}

std::vector<std::string> with_others_hidden() {
    return {"unshare",
            "--mount",
            "sh",
            "-c",
            "mount -t proc -o hidepid=2,gid=1 proc /proc && "
            "exec setpriv --bounding-set -sys_ptrace \"$@\"",
            "sh"};
}

InNetworkOf::InNetworkOf(pid_t pid)
    : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    const auto path = "/proc/" + std::to_string(pid) + "/ns/net";
    const Descriptor other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (before_.get() < 0 || ::setns(other.get(), CLONE_NEWNET) != 0) {
        throw std::runtime_error("cannot enter the network of pid " + std::to_string(pid));
    }
}

InNetworkOf::~InNetworkOf() {
    ::setns(before_.get(), CLONE_NEWNET);
}

} // namespace tests
