#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::core {

/// A worker of the service, by its own account.
struct Worker {
    enum class State {
        idle,    // waits for a connection, or for the first byte on one
        waiting, // has served a connection and waits for the next request on it, or reads one
        busy     // everything else, work after the answer included
    };
    pid_t pid = 0;
    std::string pool;
    State state = State::idle;
    std::chrono::milliseconds age{0}; // of the request, or of the wait
    std::string script;
};

/// What can be seen of the service's sockets and workers at one moment of a drain. The connections
/// are looked at first, then the workers are asked: with the intake closed, no connection open and
/// nobody at work afterwards, nothing can be in flight.
struct Sight {
    bool queue_empty = true; // of all listeners
    int queued = 0;          // connections that wait to be accepted, as far as the kernel tells
    int half_open = 0;       // handshakes of clients that are likely to be alive

    // Accepted connections. Nothing: the kernel does not tell (no SOCK_DIAG).
    struct Connections {
        int open = 0;
        int unread = 0;     // hold bytes that nobody has read yet
        int untouched = 0;  // hold a request that nobody has begun to read
        int in_service = 0; // a request has come, or a part of it, since the last answer
    };

    std::optional<Connections> connections;
    bool tells_times = false; // in_service is known for all of them (TCP)

    // Nothing: the workers cannot be asked; or they could be, and did not answer this time.
    std::optional<std::vector<Worker>> workers;
    bool asked_in_vain = false;
    std::optional<std::uint64_t> served; // requests so far, by the service's count
    std::optional<std::uint64_t> resets; // that this network namespace has sent so far (TCP)
    bool all_paused = false;             // every worker that was paused (Pause) stands still
};

/// "pool www, worker pid 7, script /a.php, 1.2 s". Never a query string.
std::string describe(const Worker& worker);

/// Those at work; none where the workers were not asked.
std::vector<Worker> busy_of(const Sight& sight);

} // namespace sluice::core
