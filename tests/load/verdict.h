#pragma once

#include "tests/load/options.h"
#include "tests/load/origin.h"

#include <optional>
#include <string>

namespace load {

class Response;

/// What became of one request. Each request is in exactly one of them. `busy` is what a full accept
/// queue is to a unix client: EAGAIN, so no connection was made. (A TCP client's SYN is dropped,
/// and the connection comes late.)
enum class Verdict { answered, late, refused, busy, cut, lost };

inline constexpr std::size_t verdict_count = 6;

const char* name_of(Verdict verdict);

/// How a connection ended, as its socket saw it.
enum class End {
    complete,    // a whole response
    unconnected, // the bound of the run came before connect() was done
    refused,     // ECONNREFUSED, or ENOENT for the path of a unix socket
    busy,        // EAGAIN: the accept queue of a unix socket is full
    broken,      // closed or reset before the response was whole
    unanswered   // the bound of the run came before the response
};

struct Exchange {
    End end = End::broken;
    bool connected = false;
    int error = 0;                  // of connect(), or of the recv() that ended it
    Clock::duration connect_time{}; // until connect() was done or had failed
    Clock::duration total_time{};   // from connect(), or the begin of sending, to the end
    std::string expected;           // what the body must begin with

    Clock::time_point begun;  // the connect(), or the begin of sending on a kept connection
    std::size_t target = 0;   // which of Options::targets
    std::uint64_t newest = 0; // the newest version that had answered before it was begun
    bool post = false;
    bool reused = false; // not the first request on its connection
    bool after = false;  // begun after the mark (SIGUSR1), which says that the stop begins
};

/// connect() took so long that a SYN must have been dropped.
bool has_waited(const Exchange& exchange);

/// A connection of its own, begun after newer code had answered, and answered by older code.
bool is_stale(const Exchange& exchange, const Origin& origin);

struct Finding {
    Verdict verdict = Verdict::lost;
    std::string reason;   // why it was lost or cut, in a few words
    std::string upstream; // who answered, if nginx told
    Origin origin;        // which code answered, if it told

    // What happened at upstreams before nginx went to the next one. The user sees nothing of it,
    // but it is the upstream's failure all the same.
    unsigned retried_refused = 0;
    unsigned retried_lost = 0;
};

/// Judges one finished exchange. Pure.
///
/// nginx in front tells about each upstream that it tried: status, connect time, bytes sent. As
/// nginx 1.22 gives them (tests/load/check provokes each):
///   connection refused               502, "-",   0 bytes
///   connect() timed out              504, "-",   0 bytes
///   reset or closed after connect()  502, a time, some bytes
///   no answer in time                504, a time, some bytes
/// A connection that was made and reset before nginx looked at it reads like a refused one. Only
/// nginx's error log ("111: Connection refused" or "104: Connection reset") tells them apart, so
/// who must be sure compares `refused` with the log.
Finding judge(const Exchange& exchange, const Response& response, std::optional<Millis> cut_after);

} // namespace load
