#pragma once

#include <cstdint>
#include <optional>

#include "init/net/endpoint.h"
#include "init/os/descriptor.h"

namespace tests {

/// A network interface whose other end is this test: what a client on a real network sends, packet
/// by packet. It lives in a network namespace of its own, which the calling process enters, so it
/// is for a forked child that is root.
class Wire {
  public:
    /// Nothing if the machine does not let us.
    static std::optional<Wire> make();

    /// Where a server listens: 198.51.100.1, port 9000.
    static sluice::net::TcpEndpoint server();

    /// A client's SYN from this port.
    void send_syn(std::uint16_t from, std::uint8_t ttl = 64) const;

    /// The server's sequence number, if a SYN-ACK for this port came within a second.
    std::optional<std::uint32_t> syn_ack(std::uint16_t to) const;

    /// The client's last packet of a handshake.
    void send_ack(std::uint16_t from, std::uint32_t server_sequence) const;

    /// True if a RST for this port came within a second.
    bool reset(std::uint16_t to) const;

  private:
    explicit Wire(sluice::os::Descriptor tun) : tun_(std::move(tun)) {}

    sluice::os::Descriptor tun_;
};

} // namespace tests
