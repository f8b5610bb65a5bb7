#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "init/net/endpoint.h"
#include "init/os/descriptor.h"

namespace sluice::net {

class Address;
class Steering;

/// A connection of sluice's own to a generation that no user reaches yet. Owns its socket, which is
/// non-blocking and close-on-exec. At its end the selector first forgets the port and then the
/// socket is closed: a user of this host who gets the same port right after it meets the live
/// generation.
class OwnConnection {
  public:
    OwnConnection(OwnConnection&&) noexcept = default;
    OwnConnection& operator=(OwnConnection&& other) noexcept;
    OwnConnection(const OwnConnection&) = delete;
    OwnConnection& operator=(const OwnConnection&) = delete;
    ~OwnConnection();

    int descriptor() const { return socket_.get(); }

  private:
    friend class Steering;

    OwnConnection(std::weak_ptr<Steering> steering, os::Descriptor socket, std::uint16_t port)
        : steering_(std::move(steering)), socket_(std::move(socket)), port_(port) {}

    void end() noexcept;

    std::weak_ptr<Steering> steering_;
    os::Descriptor socket_;
    std::uint16_t port_; // 0: a path, nothing to forget
};

/// The way to an address's next() while users stay with the live one (address.h gives it, and ends
/// it with that state: at the switch, at a rollback, when the intake is closed). A value, which may
/// outlive the address. What was connected stays connected when the way ends, and does not touch
/// the selector any more.
///
/// TCP: the selector sends connections from our own source address and port to next(). The port is
/// bound by its number, or the kernel would give it to somebody else once the connection is reset,
/// though the socket is open. A path: next() is reached under its own name.
class WayIn {
  public:
    /// Begins to connect. Over the loopback the handshake is mostly done when this returns; poll
    /// for writing and then SO_ERROR tell for sure. errno: EAGAIN if as many as the selector can
    /// name (64) are open, or a path's accept queue is full: later; ESHUTDOWN if the way has ended.
    std::variant<OwnConnection, int> connect() const;

  private:
    friend class Address;

    explicit WayIn(std::weak_ptr<Steering> steering) : steering_(std::move(steering)) {}

    std::weak_ptr<Steering> steering_;
};

/// The addresses, as text, that a way in to a listener on this endpoint can come from, for FPM's
/// listen.allowed_clients: of 0.0.0.0 the loopback address, of [::] both of them (a dual-stack
/// listener is reached by IPv4, one with IPV6_V6ONLY by IPv6), else the address itself. None for a
/// path.
std::vector<std::string> own_addresses(const Endpoint& endpoint);

/// What the address keeps for its way in; nobody else holds it.
class Steering : public std::enable_shared_from_this<Steering> {
  public:
    /// `member` is the descriptor of the live listener, which is there as long as this is; `to` is
    /// where next() is reached. Nothing: the kernel does not tell whether it takes IPv4.
    static std::shared_ptr<Steering> make(int member, const Endpoint& to);

    std::variant<OwnConnection, int> connect();
    void end(std::uint16_t port, os::Descriptor socket) noexcept;

  private:
    Steering(int member, Endpoint to) : member_(member), to_(std::move(to)) {}

    int select() const;
    int steer(std::uint16_t port);

    int member_;
    Endpoint to_; // where to connect to, which for TCP is also where we come from, without the port
    std::vector<std::uint16_t> ports_; // that the selector names
    std::vector<os::Descriptor> kept_; // done, but the selector could not be told
};

} // namespace sluice::net
