#pragma once

#include <string>
#include <variant>

#include "init/net/endpoint.h"

namespace sluice::fpm {

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
/// else: a static glibc must not call getaddrinfo. `ipv6_can_be_bound`: of "::" and "::1" alike. A
/// bare port is then "::", as for FPM, and of a name that is both 127.0.0.1 and ::1 FPM takes the
/// latter.
std::variant<Target, std::string>
interpret_listen(const std::string& listen, const std::string& etc_hosts, bool ipv6_can_be_bound);

} // namespace sluice::fpm
