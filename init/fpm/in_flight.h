#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sluice::fpm {

/// A request that an FPM worker is executing.
struct Request {
    pid_t worker;
    std::string pool;
    std::string script; // "unknown ..." where the worker's files may not be looked at
};

/// What the workers of this master are executing at this moment, as far as /proc shows it: while a
/// worker executes a script it is in the script's folder and has the script open; at other times it
/// has nothing open in its folder but what the master has, too (tried with PHP 8.2, with and
/// without opcache). So a worker that waits on a keep-alive connection is not executing anything.
/// Where a worker's files may not be looked at (another user's, without CAP_SYS_PTRACE, which
/// Docker does not give), the worker counts as busy.
std::vector<Request> in_flight(pid_t master);

} // namespace sluice::fpm
