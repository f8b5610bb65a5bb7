#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "init/core/action.h"

namespace sluice::core {

/// Lets go of connections that a client keeps open for a next request (nginx: fastcgi_keep_conn).
///
/// FastCGI has no way to announce a close, so a request may be on its way while its connection is
/// closed. Told to stop (SIGQUIT), a worker serves one request more and closes only when it has
/// shut its modules down: the client reuses the connection before (18 of 26 lost). So here a worker
/// that waits is paused, then it is looked whether anything was read or has come in the meantime,
/// and only if nothing has is it ended; otherwise it goes on and serves it. A request that meets
/// the close was not begun, so a client may send it again.
///
/// What is left is the time from that look until the client sees the close. It is kept short:
/// - By SIGKILL, which needs no second signal to act: closed after 3.1 ms, by SIGTERM and SIGCONT
///   after 4.9 ms (PHP 8.2, means of 10, busy cores).
/// - One worker at a time: a process gives its memory back before it closes, so that 16 at once
///   closed after 26 ms in the mean, the last of them after 38.
/// - The one that has waited longest goes first: nginx reuses the connection that it used last, so
///   most of its cache is never used, and only the last few are met by requests.
///
/// Which connection is whose cannot be told (reading /proc/<worker>/fd takes CAP_SYS_PTRACE). So it
/// is the worker that tells that it waits, for whoever has begun with a request says otherwise; and
/// no connection at all may hold a request that nobody has touched.
///
/// Where requests follow each other so closely that no gap is met for `patience`, none will be:
/// then a request is given up for each connection, or the stop would last until its deadline and
/// cut them all the same.
class KeepAlive {
  public:
    enum class Step {
        none, // nothing to let go, or not now
        look, // paused: look again at once
        go    // the paused workers hold nothing but idle connections: end them (take_paused())
    };

    KeepAlive(Which of, std::chrono::milliseconds patience) : of_(of), patience_(patience) {}

    Step on(const Sight& sight, TimePoint now, Actions& actions);

    /// A worker has waited between two requests lately.
    bool expects_a_gap(TimePoint now) const;

    /// They go on, or have been ended: forgets them.
    std::vector<pid_t> take_paused();

    /// These have been ended, as far as can be: where /proc hides them nobody knows whether the pid
    /// is still theirs, and they get no signal.
    void released(const std::vector<pid_t>& workers, TimePoint now);

    /// All that is left are workers that wait, and that outlived their release.
    bool in_vain(const Sight& sight, TimePoint now) const;

    int count_released() const { return static_cast<int>(released_.size()); }

    /// Of those, closed in spite of a request that had come and that nobody had read.
    int released_with_request() const { return with_request_; }

  private:
    Step pause_some(const Sight& sight, TimePoint now, Actions& actions);
    std::vector<pid_t> candidates(const Sight& sight) const;

    Which of_;
    std::chrono::milliseconds patience_;
    bool impatient_ = false;
    std::vector<pid_t> paused_;
    TimePoint paused_since_;
    TimePoint not_before_;
    std::optional<TimePoint> first_waiting_;
    std::optional<TimePoint> last_waiting_;
    std::vector<pid_t> released_;
    TimePoint released_at_;
    int with_request_ = 0;
};

/// How many workers do something at the moment.
int count_active(const std::vector<Worker>& workers);

} // namespace sluice::core
