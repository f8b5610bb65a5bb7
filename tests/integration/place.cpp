#include "place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "await.h"

namespace tests {

namespace {

// The kernel sends a dropped SYN again after 1 s: whoever is not answered by then is held off.
constexpr auto at_once = 500ms;

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

template <typename Kind>
Address as_address(const Kind& kind) {
    Address address;
    std::memcpy(&address.storage, &kind, sizeof kind);
    address.size = sizeof kind;
    return address;
}

Address address_of(const std::string& host, int port) {
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_port = ::htons(static_cast<in_port_t>(port));
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) == 1) return as_address(four);
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_port = four.sin_port;
    ::inet_pton(AF_INET6, host.c_str(), &six.sin6_addr);
    return as_address(six);
}

Address address_of(const std::string& path) {
    sockaddr_un unix_socket{};
    unix_socket.sun_family = AF_UNIX;
    path.copy(&unix_socket.sun_path[0], sizeof unix_socket.sun_path - 1);
    return as_address(unix_socket);
}

} // namespace

Place::Place(int port) : Place("127.0.0.1", port) {}

Place::Place(const std::string& host, int port) : host_(host), port_(port) {}

Place::Place(const std::string& path) : path_(path) {}

Descriptor Place::try_to_connect(std::chrono::milliseconds limit, int& error) const {
    const auto address = path_.empty() ? address_of(host_, port_) : address_of(path_);
    Descriptor connection(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval time{limit.count() / 1'000, limit.count() % 1'000 * 1'000};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    error = 0;
    if (::connect(connection.get(), address.get(), address.size) == 0) return connection;
    error = errno;
    return {};
}

Descriptor Place::listen() const {
    const auto address = path_.empty() ? address_of(host_, port_) : address_of(path_);
    Descriptor listener(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool listens = ::bind(listener.get(), address.get(), address.size) == 0 &&
                         ::listen(listener.get(), 1) == 0;
    return listens ? std::move(listener) : Descriptor();
}

Descriptor Place::connect() const {
    int error = 0;
    return try_to_connect(patience, error);
}

int Place::refusal() const {
    int error = 0;
    try_to_connect(at_once, error);
    return error;
}

} // namespace tests
