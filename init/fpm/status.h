#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fpm {

/// What a worker was doing when FPM wrote its status; seen with PHP 8.2.
enum class State : std::uint8_t {
    creating, // forked, not yet accepting
    // Waits in accept, or has accepted a connection that has not sent a byte yet: the status cannot
    // tell these two apart.
    idle,
    // Reads a request's first part, or waits on a keep-alive connection for the next one.
    reading_headers,
    getting_information, // reads the parameters and the body
    // The script; also what it does after fastcgi_finish_request() where the connection is kept
    // alive, and its wait there for a client that does not close.
    running,
    ending,
    // Has answered and waits for the client to close, or goes on after fastcgi_finish_request()
    // with the connection closed.
    finishing,
    unknown, // a word that this version of sluice does not know: count it as busy
};

struct Worker {
    pid_t pid = 0;
    State state = State::unknown;
    std::uint64_t requests = 0; // the one that it waits for or serves included
    // Since the connection was accepted, or since the last request on it was done: on a keep-alive
    // connection it includes the wait before the request. FPM itself measures
    // request_terminate_timeout by it (a worker that only waits is ended, too). Of an idle worker:
    // how long its last one took.
    std::chrono::microseconds duration{0};
    // Of an idle worker these three may be its last request's.
    std::string script; // empty where there is none
    std::string uri;    // without its query, which may hold secrets; empty where there is none
    std::string method; // empty where there is none

    bool operator==(const Worker&) const = default;
};

/// A pool's status page.
struct Status {
    std::string pool;
    std::string process_manager; // "static", "dynamic", "ondemand"
    std::uint64_t accepted = 0;  // requests so far, those being served included
    int listen_queue = 0;        // 0 for a unix socket, whatever its queue
    int max_listen_queue = 0;
    int idle = 0;
    int active = 0;
    int total = 0;
    std::vector<Worker> workers;
};

/// Reads what FPM's status page says when asked with "json&full". Nothing where it is anything
/// else. Clients choose much of its text, so it may hold any bytes.
std::optional<Status> parse_status(std::string_view json);

} // namespace sluice::fpm
