#include "wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace tests {

namespace net = sluice::net;
using sluice::os::Descriptor;

namespace {

constexpr std::uint32_t server_host = 0xc6336401; // 198.51.100.1
constexpr std::uint32_t client_host = 0xc6336402;
constexpr std::uint16_t server_port = 9'000;
constexpr std::uint32_t client_sequence = 1'000;

struct Packet {
    iphdr ip;
    tcphdr tcp;
};

static_assert(sizeof(Packet) == 40);

// The Internet checksum over words in the network's order.
std::uint32_t sum(const void* data, std::size_t size) {
    const auto* const bytes = static_cast<const std::uint8_t*>(data);
    std::uint32_t total = 0;
    for (std::size_t i = 0; i + 1 < size; i += 2) total += bytes[i] * 256U + bytes[i + 1];
    return total;
}

std::uint16_t folded(std::uint32_t total) {
    while (total >> 16U) total = (total & 0xffffU) + (total >> 16U);
    return htons(static_cast<std::uint16_t>(~total));
}

Packet packet_from(std::uint16_t port, std::uint8_t ttl) {
    Packet packet{};
    packet.ip.version = 4;
    packet.ip.ihl = 5;
    packet.ip.tot_len = htons(sizeof packet);
    packet.ip.ttl = ttl;
    packet.ip.protocol = IPPROTO_TCP;
    packet.ip.saddr = htonl(client_host);
    packet.ip.daddr = htonl(server_host);
    packet.ip.check = folded(sum(&packet.ip, sizeof packet.ip));
    packet.tcp.source = htons(port);
    packet.tcp.dest = htons(server_port);
    packet.tcp.doff = 5;
    packet.tcp.window = htons(60'000);
    return packet;
}

void send(const Descriptor& tun, Packet packet) {
    packet.tcp.check = folded(sum(&packet.tcp, sizeof packet.tcp) + sum(&packet.ip.saddr, 8) +
                              IPPROTO_TCP + sizeof packet.tcp);
    [[maybe_unused]] const auto sent = ::write(tun.get(), &packet, sizeof packet);
}

// The next TCP packet for the port that `wanted` takes, within a second of silence.
template <typename Wanted>
std::optional<tcphdr> await(const Descriptor& tun, std::uint16_t port, Wanted wanted) {
    std::array<std::byte, 2'048> buffer{};
    pollfd readable{.fd = tun.get(), .events = POLLIN, .revents = 0};
    while (::poll(&readable, 1, 1'000) == 1) {
        const auto size = ::read(tun.get(), buffer.data(), buffer.size());
        Packet packet{};
        if (size < static_cast<ssize_t>(sizeof packet)) continue;
        std::memcpy(&packet, buffer.data(), sizeof packet);
        if (packet.ip.version != 4 || packet.ip.protocol != IPPROTO_TCP) continue;
        if (ntohs(packet.tcp.dest) == port && wanted(packet.tcp)) return packet.tcp;
    }
    return {};
}

bool set_host(const Descriptor& socket, ifreq request, unsigned long which, std::uint32_t host) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(host);
    std::memcpy(&request.ifr_addr, &address, sizeof address);
    return ::ioctl(socket.get(), which, &request) == 0;
}

bool raise(const Descriptor& socket, ifreq request) {
    request.ifr_flags = IFF_UP;
    return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

bool set_up(const Descriptor& socket, ifreq request) {
    ifreq loopback{};
    std::strncpy(loopback.ifr_name, "lo", IFNAMSIZ - 1);
    if (!raise(socket, loopback)) return false; // as in every container
    if (!set_host(socket, request, SIOCSIFADDR, server_host)) return false;
    if (!set_host(socket, request, SIOCSIFDSTADDR, client_host)) return false;
    return raise(socket, request);
}

} // namespace

std::optional<Wire> Wire::make() {
    if (::unshare(CLONE_NEWNET) != 0) return {};
    Descriptor tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    ifreq request{};
    std::strncpy(request.ifr_name, "wire", IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (!tun || ::ioctl(tun.get(), TUNSETIFF, &request) != 0) return {};
    const Descriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!set_up(socket, request)) return {};
    return Wire(std::move(tun));
}

net::TcpEndpoint Wire::server() {
    return {.family = AF_INET, .host = {198, 51, 100, 1}, .port = server_port};
}

void Wire::send_syn(std::uint16_t from, std::uint8_t ttl) const {
    auto packet = packet_from(from, ttl);
    packet.tcp.syn = 1;
    packet.tcp.seq = htonl(client_sequence);
    send(tun_, packet);
}

std::optional<std::uint32_t> Wire::syn_ack(std::uint16_t to) const {
    const auto answer =
        await(tun_, to, [](const tcphdr& tcp) { return tcp.syn == 1 && tcp.ack == 1; });
    if (!answer) return {};
    return ntohl(answer->seq);
}

void Wire::send_ack(std::uint16_t from, std::uint32_t server_sequence) const {
    auto packet = packet_from(from, 64);
    packet.tcp.ack = 1;
    packet.tcp.seq = htonl(client_sequence + 1);
    packet.tcp.ack_seq = htonl(server_sequence + 1);
    send(tun_, packet);
}

bool Wire::reset(std::uint16_t to) const {
    return await(tun_, to, [](const tcphdr& tcp) { return tcp.rst == 1; }).has_value();
}

} // namespace tests
