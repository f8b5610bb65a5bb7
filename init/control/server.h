#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "init/control/session.h"
#include "init/net/socket_file.h"
#include "init/os/descriptor.h"

namespace sluice::control {

/// The listening control socket, in the loop. Only root and sluice's own user may ask, from
/// sluice's own PID namespace: a path has mode 0600, and who connects is asked for by SO_PEERCRED
/// in any case. At most 16 clients at once, without those that step aside; one more is told so and
/// closed. Nothing here waits,
/// throws after open(), or takes a descriptor that a child would see.
class Server {
  public:
    /// `on_request` is called from the loop for each request (Session has what it may do with it).
    Server(boost::asio::io_context& loop, OnRequest on_request);

    /// Closes the socket and all sessions; a path is removed if it is still ours.
    ~Server();

    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// Listens where the configuration (control.socket) says: an absolute path, "@" for an abstract
    /// name, "off" for nowhere. Nothing: /run/sluice.sock where that can be had, else abstract.
    /// Gives a sentence when it could not; it listens nowhere then. To be called once, and from one
    /// thread alone (it sets the umask for an instant).
    std::optional<std::string> open(const std::optional<std::string>& configured);

    /// "/run/sluice.sock", "@sluice-4026531836", or "none".
    const std::string& address() const { return address_; }

  private:
    std::optional<std::string> open_path(const std::string& path);
    std::optional<std::string> open_abstract();
    std::optional<std::string> listen(const os::Descriptor& socket, std::string address);
    void wait();
    void pause();
    void accept_all();
    void admit(Session::Socket client);
    std::size_t count_served();

    boost::asio::io_context& loop_;
    OnRequest on_request_;
    boost::asio::posix::stream_descriptor listener_;
    boost::asio::steady_timer pause_;
    std::optional<net::SocketFile> file_;
    std::string address_ = "none";
    std::vector<std::weak_ptr<Session>> sessions_;
    // Gone with the server: what the loop still has queued for it then does nothing.
    std::shared_ptr<Server*> self_ = std::make_shared<Server*>(this);
};

} // namespace sluice::control
