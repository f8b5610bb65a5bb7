#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <variant>

#include "init/net/endpoint.h"
#include "init/net/refusal.h"
#include "init/net/socket_file.h"
#include "init/os/descriptor.h"

namespace sluice::net {

/// How a listening socket is to be made.
struct Wanted {
    Endpoint endpoint;
    int backlog = 511;          // FPM's default; -1: as many as the kernel allows
    std::optional<uid_t> owner; // of a path; nothing: left as it is made
    std::optional<gid_t> group;
    mode_t mode = 0660; // of a path; FPM's default
    // IPV6_V6ONLY of an IPv6 address, which can be set before the bind only; nothing: as the
    // sysctl bindv6only has it.
    std::optional<bool> v6only;
    bool blocks = true; // false: O_NONBLOCK, which nginx expects of a socket that it takes over
    bool operator==(const Wanted&) const = default;
};

/// One listening socket that sluice bound. Owns the descriptor and, for a unix socket, the name in
/// the file system as long as it is its own. The descriptor is close-on-exec, has a number of 20 or
/// above, where no script redirects anything, and blocks unless it is wanted otherwise: FPM's
/// workers share it and must block in accept, nginx's must not. Nothing here blocks or throws.
class Listener {
  public:
    /// What users connect to.
    const Endpoint& endpoint() const { return endpoint_; }

    /// Where this very listener is reached: for a second member on a path its own name beside the
    /// public one until take_path(); otherwise endpoint().
    Endpoint reached_at() const;

    int descriptor() const { return socket_.get(); }

    /// The name that accepted connections carry in SOCK_DIAG, for ever: that of the bind.
    const std::string& bound_path() const { return bound_path_; }

    /// True when no connection waits to be accepted: poll(2) says so, for TCP and unix alike. After
    /// shut(), when a path's queue always looks readable, UNIX_DIAG does, and true where it does
    /// not tell.
    bool queue_empty() const;

    /// How many wait (TCP_INFO's tcpi_unacked; UNIX_DIAG for a path); nothing where the kernel does
    /// not tell.
    std::optional<int> queued() const;

    /// Closes the intake: new connections are refused from now on (TCP: RST; a path: no such file),
    /// while those in the queue, and TCP handshakes that have begun, go on to be accepted. For
    /// good: undoing it needs CAP_NET_RAW. 0, also if it was hidden before, or the errno: nothing
    /// changed. TCP: before Linux 5.7 EPERM without CAP_NET_RAW, before 5.0 ENOPROTOOPT. Of the
    /// members of one address the one that new connections go to is hidden last (Address sees to
    /// that), or a SYN that is sent to a hidden one meets silence.
    int hide();

    bool hidden() const { return hidden_; }

    /// Ends listening in every process that has this socket: an idle worker's accept fails, and
    /// what is still queued is reset (TCP), or still accepted (a path). Only after the queue is
    /// empty and FPM's master stopped: a running one forks without end. 0 or errno.
    int shut();

    /// Moves a second member's own name over the public path, at once: from now on new connections
    /// come here, and the queue of the one before keeps what it has. 0 or errno: nothing changed.
    int take_path();

    /// The same with the listener that has the public path, which gets the other name for it: to be
    /// undone by the same call from there. 0 or errno: nothing changed (EINVAL: this file system
    /// does not exchange names).
    int exchange_names(Listener& other);

    /// True while the public path leads to this listener.
    bool has_path() const;

    /// True while its name, the public or the other one, leads to this listener.
    bool has_name() const { return file_ && file_->in_place(); }

  private:
    friend std::variant<Listener, Refused> listen(const Wanted& wanted);
    friend std::variant<Listener, Refused> join(const Wanted& wanted);

    Listener(Endpoint endpoint, os::Descriptor socket)
        : endpoint_(std::move(endpoint)), socket_(std::move(socket)) {}

    static std::variant<Listener, Refused> listen_at(const Wanted& wanted, const PathEndpoint& at);
    static std::variant<Listener, Refused> listen_at(const Wanted& wanted, const TcpEndpoint& at);

    Endpoint endpoint_;
    os::Descriptor socket_;
    std::optional<SocketFile> file_; // after socket_: the name goes first
    std::string bound_path_;
    bool hidden_ = false;
    bool shut_ = false;
};

/// A listener on a new address.
/// TCP: the address is first bound without SO_REUSEPORT, so that somebody who has it, even a
/// process of the same user with SO_REUSEPORT, is an error instead of a silent sharer.
/// A path: a socket that nobody listens on is stale and replaced; anything else there is an error.
/// Owner and mode are set before anybody can connect.
std::variant<Listener, Refused> listen(const Wanted& wanted);

/// True where the kernel takes one for a part of the other: one is 0.0.0.0 or [::] and the other
/// has the same port.
bool overlap(const Wanted& one, const Wanted& other);

/// A second listener for an address that a Listener of ours has. TCP: a second member of its
/// reuseport group. It takes a share of the new connections at once unless a selector says
/// otherwise (selector.h). A path: bound under a name of its own in the same folder.
std::variant<Listener, Refused> join(const Wanted& wanted);

} // namespace sluice::net
