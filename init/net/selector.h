#pragma once

#include <cstdint>
#include <span>

#include "init/net/listener.h"

namespace sluice::net {

// A TCP address with two listeners is a reuseport group, and a classic BPF program on the group
// returns the index of the member that takes a new connection. The rules that hold it together:
//  - A member's index is its place in the order of joining (listen(2), not bind).
//  - When a member leaves (shut or closed), the last one moves into its place.
//  - An index out of range falls back to a hash over all members.
//  - The program stays with the group whoever leaves, and acts for every socket that listens later.
// So never more than two members, the live one 0 and the new one 1: then every index is right
// before, during and after each step (address.h).

/// From now on new connections of the listener's group go to the member with this index. To be set
/// to 0 before a second one joins, or the two share for a moment. One system call, no privilege
/// (Linux 4.6). 0 or errno: nothing changed.
int select_member(const Listener& any_member, unsigned index);

/// From now on new connections of the group that come from this address, as the packet has it, and
/// from one of these ports go to member 1, all others to member 0. `any_member` is a member's
/// descriptor. At most most_own ports. 0 or errno: nothing changed.
int select_for(int any_member, const TcpEndpoint& from, std::span<const std::uint16_t> ports);

/// So many ports one program names at most: two instructions each, far below the kernel's limit
/// (the program has to fit into net.core.optmem_max, 20 KiB on old kernels).
inline constexpr std::size_t most_own = 64;

} // namespace sluice::net
