#include "init/net/socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

namespace sluice::net {

os::Descriptor stream_socket(const Endpoint& endpoint, int flags) {
    constexpr int lowest = 20;
    const auto* const tcp = std::get_if<TcpEndpoint>(&endpoint);
    const int family = tcp != nullptr ? tcp->family : AF_UNIX;
    const os::Descriptor made(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
    return os::Descriptor(made ? ::fcntl(made.get(), F_DUPFD_CLOEXEC, lowest) : -1);
}

int bind_to(const os::Descriptor& socket, const Endpoint& endpoint) {
    const auto address = socket_address(endpoint);
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address.storage);
    return ::bind(socket.get(), plain, address.size) == 0 ? 0 : errno;
}

int connect_to(const os::Descriptor& socket, const Endpoint& endpoint) {
    const auto address = socket_address(endpoint);
    const auto* const plain = reinterpret_cast<const sockaddr*>(&address.storage);
    return ::connect(socket.get(), plain, address.size) == 0 ? 0 : errno;
}

int set_option(int socket, int level, int option, int value) {
    return ::setsockopt(socket, level, option, &value, sizeof value) == 0 ? 0 : errno;
}

} // namespace sluice::net
