#include "init/net/selector.h"

#include <linux/filter.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace sluice::net {

int select_member(const Listener& any_member, unsigned index) {
    std::array<sock_filter, 1> constant{{{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = index}}};
    const sock_fprog program{.len = constant.size(), .filter = constant.data()};
    return ::setsockopt(any_member.descriptor(), SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program,
                        sizeof program) == 0
               ? 0
               : errno;
}

} // namespace sluice::net
