#pragma once

#include <string>
#include <variant>

#include "init/net/endpoint.h"

namespace sluice::fpm {

/// Which IPv6 addresses a socket can be bound to here. With the sysctl disable_ipv6 only the first
/// one can; without IPv6 in the kernel none.
struct Ipv6 {
    bool any = true;      // "::"
    bool loopback = true; // "::1"
};

/// A listening socket that sluice can bind in FPM's place.
struct Target {
    std::string key; // what FPM calls it in FPM_SOCKETS
    net::Endpoint endpoint;

    bool operator==(const Target&) const = default;
};

/// What FPM makes of a pool's `listen` (or pm.status_listen), as `php-fpm -tt` prints it: the
/// socket that FPM would bind, or why sluice cannot bind it, told so that the operator can mend it.
/// Tried with PHP 8.2 and glibc; every key that comes from here was taken by it.
///
/// `etc_hosts`: the text of /etc/hosts, empty where there is none. Names are looked up nowhere
/// else: a static glibc must not call getaddrinfo. A bare port is "::" where that can be bound, as
/// for FPM, and of a name that is both 127.0.0.1 and ::1 FPM takes the latter where it can.
std::variant<Target, std::string> interpret_listen(const std::string& listen,
                                                   const std::string& etc_hosts, Ipv6 ipv6);

} // namespace sluice::fpm
