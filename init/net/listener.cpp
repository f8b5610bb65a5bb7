#include "init/net/listener.h"

#include <linux/tcp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "init/net/diag.h"
#include "init/net/socket.h"
#include "init/net/unix_bind.h"

namespace sluice::net {

namespace {

#ifdef SO_BINDTOIFINDEX
constexpr int bind_to_interface = SO_BINDTOIFINDEX;
#else
constexpr int bind_to_interface = 62;
#endif

// An interface that does not exist, so that no packet can come in by it. Numbers are given upwards
// from 1 and nobody gets this far, but a name can ask for its number.
int absent_interface() {
    std::array<char, IF_NAMESIZE> name{};
    unsigned index = 0x7fff'fff0;
    while (::if_indextoname(index, name.data()) != nullptr) --index;
    return static_cast<int>(index);
}

int flags_of(const Wanted& wanted) {
    return wanted.blocks ? 0 : SOCK_NONBLOCK;
}

int set_versions(const os::Descriptor& socket, const Wanted& wanted) {
    if (!wanted.v6only) return 0;
    return set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, *wanted.v6only ? 1 : 0);
}

// One bind without SO_REUSEPORT: whoever listens there, with the option or without, is in the way.
int somebody_is_there(const Wanted& wanted, const TcpEndpoint& endpoint) {
    const auto socket = stream_socket(endpoint);
    if (!socket) return errno;
    int error = set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0) error = set_versions(socket, wanted);
    return error != 0 ? error : bind_to(socket, endpoint);
}

} // namespace

std::variant<Listener, Refused> Listener::listen_at(const Wanted& wanted, const TcpEndpoint& at) {
    auto socket = stream_socket(at, flags_of(wanted));
    if (!socket) return cannot_listen(wanted.endpoint, errno);
    int error = set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (error == 0) error = set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
    if (error == 0) error = set_versions(socket, wanted);
    if (error == 0) error = bind_to(socket, at);
    if (error == 0 && ::listen(socket.get(), wanted.backlog) != 0) error = errno;
    if (error != 0) return cannot_listen(wanted.endpoint, error);
    return Listener(wanted.endpoint, std::move(socket));
}

std::variant<Listener, Refused> Listener::listen_at(const Wanted& wanted, const PathEndpoint& at) {
    auto socket = stream_socket(at, flags_of(wanted));
    if (!socket) return cannot_listen(wanted.endpoint, errno);
    auto bound = bind_path(socket, at, wanted.owner, wanted.group, wanted.mode);
    if (auto* const refused = std::get_if<Refused>(&bound)) return std::move(*refused);
    if (::listen(socket.get(), wanted.backlog) != 0) return cannot_listen(wanted.endpoint, errno);
    Listener listener(wanted.endpoint, std::move(socket));
    listener.file_ = std::get<SocketFile>(std::move(bound));
    listener.bound_path_ = at.path;
    return listener;
}

std::variant<Listener, Refused> listen(const Wanted& wanted) {
    if (const auto* const path = std::get_if<PathEndpoint>(&wanted.endpoint)) {
        if (auto refused = make_way(*path)) return *std::move(refused);
        return Listener::listen_at(wanted, *path);
    }
    const auto& tcp = std::get<TcpEndpoint>(wanted.endpoint);
    if (const int error = somebody_is_there(wanted, tcp)) return cannot_listen(tcp, error);
    return Listener::listen_at(wanted, tcp);
}

bool overlap(const Wanted& one, const Wanted& other) {
    const auto* const a = std::get_if<TcpEndpoint>(&one.endpoint);
    const auto* const b = std::get_if<TcpEndpoint>(&other.endpoint);
    if (a == nullptr || b == nullptr || a->port != b->port) return false;
    if (a->family == b->family) return *a == *b || is_wildcard(*a) || is_wildcard(*b);
    // IPv4 is part of [::], if that takes it, and of no other IPv6 address.
    const bool first = a->family == AF_INET6;
    return is_wildcard(first ? *a : *b) && !(first ? one : other).v6only.value_or(false);
}

std::variant<Listener, Refused> join(const Wanted& wanted) {
    if (const auto* const path = std::get_if<PathEndpoint>(&wanted.endpoint)) {
        return Listener::listen_at(wanted, name_beside(*path));
    }
    return Listener::listen_at(wanted, std::get<TcpEndpoint>(wanted.endpoint));
}

Endpoint Listener::reached_at() const {
    return file_ && !file_->path().empty() ? PathEndpoint{file_->path()} : endpoint_;
}

bool Listener::queue_empty() const {
    if (shut_) return bound_path_.empty() || queued().value_or(0) == 0;
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) != 1 || (waiting.revents & POLLIN) == 0;
}

std::optional<int> Listener::queued() const {
    if (!bound_path_.empty()) return unix_queue(socket_.get());
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
    return static_cast<int>(info.tcpi_unacked);
}

int Listener::hide() {
    // A second time it would take CAP_NET_RAW.
    if (hidden_) return 0;
    const int error =
        file_ ? file_->remove()
              : set_option(socket_.get(), SOL_SOCKET, bind_to_interface, absent_interface());
    hidden_ = error == 0;
    return error;
}

int Listener::shut() {
    if (::shutdown(socket_.get(), SHUT_RD) != 0) return errno;
    shut_ = true;
    return 0;
}

int Listener::take_path() {
    const auto* const path = std::get_if<PathEndpoint>(&endpoint_);
    if (path == nullptr || !file_) return EINVAL;
    return file_->path() == path->path ? 0 : file_->move_to(path->path);
}

int Listener::exchange_names(Listener& other) {
    if (!file_ || !other.file_) return EINVAL;
    return file_->exchange(*other.file_);
}

bool Listener::has_path() const {
    const auto* const path = std::get_if<PathEndpoint>(&endpoint_);
    return path != nullptr && file_ && file_->path() == path->path && file_->in_place();
}

} // namespace sluice::net
