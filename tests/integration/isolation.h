#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "descriptor.h"

namespace tests {

/// For before_exec: what a container, or a kernel, takes away from sluice. Each ends the child with
/// 98 where it cannot be done. All but the forbidding ones need root.

/// From now on this system call fails with this error if this argument has this value.
void forbid(long call, unsigned argument, std::uint32_t value, int error);

/// A kernel that cannot refuse connections by SO_BINDTOIFINDEX.
void forbid_hiding();

/// A kernel without NETLINK_SOCK_DIAG.
void forbid_sock_diag();

/// A network of its own with nothing but lo.
void own_network(bool v6_only);

/// A mount namespace whose /run and /dev/shm are empty.
void empty_scratch_folders();

/// A mount namespace in which /etc/sluice.toml is a symlink to this file; `scratch` is a folder to
/// work in.
void usual_config_is(const std::string& file, const std::string& scratch);

/// A mount namespace in which nothing can be written but an empty /dev/shm.
void read_only_root();

/// For Launch::under. Docker's --user 33 --cap-drop ALL --security-opt no-new-privileges.
std::vector<std::string> without_privileges();

/// For Launch::under. A /proc that does not show the processes of others, and no CAP_SYS_PTRACE, as
/// Docker has it, to see them nevertheless.
std::vector<std::string> with_others_hidden();

/// While it lives, this thread connects and listens in another process's network.
class InNetworkOf {
  public:
    explicit InNetworkOf(pid_t pid);
    ~InNetworkOf();
    InNetworkOf(const InNetworkOf&) = delete;
    InNetworkOf& operator=(const InNetworkOf&) = delete;

  private:
    Descriptor before_;
};

} // namespace tests
