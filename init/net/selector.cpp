#include "init/net/selector.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace sluice::net {

namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint16_t answer = BPF_RET | BPF_K;
constexpr std::uint32_t live = 0;
constexpr std::uint32_t next = 1;

int attach(int member, Program& program) {
    sock_fprog attached;
    std::memset(&attached, 0,
                sizeof attached); // the kernel copies what is between the members, too
    attached.len = static_cast<unsigned short>(program.size());
    attached.filter = program.data();
    return ::setsockopt(member, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &attached, sizeof attached) ==
                   0
               ? 0
               : errno;
}

// The program sees a packet from its payload on; this offset reaches back to the IP header. `size`
// is BPF_B, BPF_H or BPF_W, and what is loaded is in the host's order.
void load(Program& program, unsigned size, std::uint32_t offset) {
    constexpr auto ip_header = static_cast<std::uint32_t>(SKF_NET_OFF);
    program.push_back(
        {static_cast<std::uint16_t>(BPF_LD | BPF_ABS | size), 0, 0, ip_header + offset});
}

// Whoever has another value there is a user.
void must_be(Program& program, std::uint32_t value) {
    program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value});
    program.push_back({answer, 0, 0, live});
}

std::uint32_t word_at(const TcpEndpoint& endpoint, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) word = word << 8U | endpoint.host[at + i];
    return word;
}

// Leaves the source port loaded. Our own packets have no IP options and no extension headers, so
// that TCP's header is at a known place; what has some is a user's.
void from_ipv4(Program& program, const TcpEndpoint& from) {
    constexpr std::uint32_t version_and_length = 0x45; // 5 words
    constexpr std::uint32_t source = 12;
    constexpr std::uint32_t tcp = 20;
    load(program, BPF_B, 0);
    must_be(program, version_and_length);
    load(program, BPF_W, source);
    must_be(program, word_at(from, 0));
    load(program, BPF_H, tcp);
}

void from_ipv6(Program& program, const TcpEndpoint& from) {
    constexpr std::uint32_t version = 0x60;
    constexpr std::uint32_t version_mask = 0xf0;
    constexpr std::uint32_t next_header = 6;
    constexpr std::uint32_t source = 8;
    constexpr std::uint32_t tcp = 40;
    load(program, BPF_B, 0);
    program.push_back({BPF_ALU | BPF_AND | BPF_K, 0, 0, version_mask});
    must_be(program, version);
    load(program, BPF_B, next_header);
    must_be(program, IPPROTO_TCP);
    for (std::uint32_t at = 0; at < from.host.size(); at += 4) {
        load(program, BPF_W, source + at);
        must_be(program, word_at(from, at));
    }
    load(program, BPF_H, tcp);
}

} // namespace

int select_member(const Listener& any_member, unsigned index) {
    Program constant{{answer, 0, 0, index}};
    return attach(any_member.descriptor(), constant);
}

int select_for(int any_member, const TcpEndpoint& from, std::span<const std::uint16_t> ports) {
    if (ports.size() > most_own) return E2BIG;
    Program program;
    if (!ports.empty()) {
        (from.family == AF_INET ? from_ipv4 : from_ipv6)(program, from);
        for (const std::uint16_t port : ports) {
            program.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, port});
            program.push_back({answer, 0, 0, next});
        }
    }
    program.push_back({answer, 0, 0, live});
    return attach(any_member, program);
}

} // namespace sluice::net
