#include "init/control/server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "config/quote.h"
#include "init/control/address.h"
#include "init/control/reply.h"
#include "init/net/socket.h"
#include "init/net/unix_bind.h"

namespace sluice::control {

using boost::system::error_code;

namespace {

constexpr std::size_t most_sessions = 16;
constexpr int backlog = 16; // as many again may wait for their turn
constexpr mode_t owner_only = 0600;

std::string words(int error) {
    return std::generic_category().message(error);
}

os::Descriptor new_socket() {
    return net::stream_socket(net::PathEndpoint{}, SOCK_NONBLOCK);
}

std::optional<Peer> peer_of(int client) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(client, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return {};
    return Peer{.pid = credentials.pid, .uid = credentials.uid};
}

// A sentence for whom we do not talk to.
std::optional<std::string> refusal_of(const std::optional<Peer>& peer) {
    if (!peer) return "the kernel does not tell who asks";
    // Where an abstract name is shared with other containers their root shows as pid 0, uid 0.
    if (peer->pid == 0) {
        return "you ask from another PID namespace; ask inside the container (docker exec)";
    }
    const auto own = ::geteuid();
    if (peer->uid == 0 || peer->uid == own) return {};
    return "uid " + std::to_string(peer->uid) + " may not ask; ask as root" +
           (own == 0 ? "" : " or as uid " + std::to_string(own));
}

// One line that is not waited for: whoever does not take it at once goes without it.
void tell(int client, std::string why) {
    const auto line = encode_reply(Failure{std::move(why)}) + "\n";
    ::send(client, line.data(), line.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

} // namespace

Server::Server(boost::asio::io_context& loop, OnRequest on_request)
    : loop_(loop), on_request_(std::move(on_request)), listener_(loop), pause_(loop) {}

Server::~Server() {
    for (const auto& weak : sessions_) {
        if (const auto session = weak.lock()) session->drop();
    }
}

std::optional<std::string> Server::open(const std::optional<std::string>& configured) {
    if (!configured) return open_path(usual_path) ? open_abstract() : std::nullopt;
    if (*configured == "off") return {};
    if (*configured == "@") return open_abstract();
    if (configured->starts_with('/')) return open_path(*configured);
    return "control.socket: " + config::quoted(*configured) +
           R"( is neither an absolute path nor "@" (an abstract socket) nor "off")";
}

std::optional<std::string> Server::open_path(const std::string& path) {
    const net::PathEndpoint endpoint{path};
    const auto refused = [](const net::Refused& why) { return "the control socket " + why.why; };
    if (const auto why = net::make_way(endpoint)) return refused(*why);
    const auto socket = new_socket();
    if (!socket) return "the control socket cannot be made: " + words(errno);
    auto bound = net::bind_path(socket, endpoint, {}, {}, owner_only);
    if (const auto* const why = std::get_if<net::Refused>(&bound)) return refused(*why);
    auto problem = listen(socket, path);
    if (!problem) file_ = std::get<net::SocketFile>(std::move(bound));
    return problem;
}

std::optional<std::string> Server::open_abstract() {
    const auto space = pid_namespace();
    if (!space) {
        return "the control socket cannot have an abstract name, which takes /proc/self/ns/pid; "
               "mount /proc, or set control.socket to a path that can be written, or to \"off\"";
    }
    const auto name = abstract_name(*space, ::getpid());
    const auto address = unix_address(name);
    const auto socket = new_socket();
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address->storage);
    if (!socket || ::bind(socket.get(), plain, address->size) != 0) {
        const int error = errno;
        return "the control socket cannot listen on " + name + ": " + words(error) +
               (error == EADDRINUSE ? "; another process has taken the name. Set control.socket to "
                                      "a path that can be written, or to \"off\""
                                    : "");
    }
    return listen(socket, name);
}

std::optional<std::string> Server::listen(const os::Descriptor& socket, std::string address) {
    if (::listen(socket.get(), backlog) != 0) {
        return "the control socket cannot listen on " + address + ": " + words(errno);
    }
    // A copy, for the loop closes what it is given.
    const int copy = ::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0);
    error_code error(errno, boost::system::system_category());
    if (copy >= 0) listener_.assign(copy, error);
    if (copy < 0 || error) {
        if (copy >= 0) ::close(copy);
        return "the control socket " + address + " cannot be watched: " + error.message();
    }
    address_ = std::move(address);
    wait();
    return {};
}

void Server::wait() {
    listener_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                         [weak = std::weak_ptr(self_)](const error_code& error) {
                             const auto self = weak.lock();
                             if (!error && self) (*self)->accept_all();
                         });
}

// Out of descriptors or memory, the listener stays readable: without a pause the loop would spin.
void Server::pause() {
    pause_.expires_after(std::chrono::seconds(1));
    pause_.async_wait([weak = std::weak_ptr(self_)](const error_code& error) {
        const auto self = weak.lock();
        if (!error && self) (*self)->accept_all();
    });
}

void Server::accept_all() {
    // Not for ever: in a storm of clients the loop gets its turn.
    for (std::size_t taken = 0; taken < most_sessions; ++taken) {
        const int client =
            ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (client >= 0) {
            Session::Socket socket(loop_);
            error_code error;
            socket.assign(boost::asio::local::stream_protocol(), client, error);
            if (error) {
                ::close(client);
            } else {
                admit(std::move(socket));
            }
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            pause();
            return;
        }
    }
    wait();
}

void Server::admit(Session::Socket client) {
    const auto peer = peer_of(client.native_handle());
    if (auto why = refusal_of(peer)) {
        tell(client.native_handle(), *std::move(why));
        return;
    }
    if (count_served() >= most_sessions) {
        tell(client.native_handle(), std::to_string(most_sessions) +
                                         " clients are being served, and no more are taken at a "
                                         "time; try again");
        return;
    }
    const auto session = std::make_shared<Session>(std::move(client), *peer);
    sessions_.push_back(session);
    session->start(on_request_);
}

std::size_t Server::count_served() {
    std::erase_if(sessions_, [](const auto& weak) {
        const auto session = weak.lock();
        return !session || session->closed();
    });
    return static_cast<std::size_t>(
        std::ranges::count_if(sessions_, [](const auto& weak) { return !weak.lock()->aside(); }));
}

} // namespace sluice::control
