#pragma once

#include <optional>
#include <vector>

#include "init/core/event.h"

namespace sluice::core {

/// Lets go of connections that a client keeps open for a next request (nginx: fastcgi_keep_conn).
///
/// FastCGI has no way to announce a close, so a request may be on its way while its connection is
/// closed. Told to stop (SIGQUIT), a worker serves one request more and closes right after the
/// answer, at the very moment when the connection goes back into the client's cache: the worst one
/// (18 of 26 lost). So here a worker that waits is paused, then it is looked whether a request has
/// come in the meantime, and only if none has is it ended; otherwise it goes on and serves it. What
/// is left is the time between that look and the end: some microseconds.
///
/// Which connection is whose cannot be told (reading /proc/<worker>/fd takes CAP_SYS_PTRACE), so
/// the look is at all of them: none may hold an unread byte, and no more of them may be in service
/// than there are workers at work.
class KeepAlive {
  public:
    enum class Step {
        none, // nothing to let go, or not now
        look, // paused: look again at once
        go    // the paused workers hold nothing but idle connections: paused() can be ended
    };

    Step on(const Sight& sight, TimePoint now, Actions& actions);

    const std::vector<pid_t>& paused() const { return paused_; }

    /// They have been ended: forgets them.
    std::vector<pid_t> take_paused();

    int released() const { return released_; }

  private:
    std::vector<pid_t> paused_;
    TimePoint paused_since_;
    TimePoint not_before_;
    int released_ = 0;
};

/// How many workers do something at the moment, besides `those`.
int count_busy_besides(const std::vector<Worker>& workers, const std::vector<pid_t>& those);

} // namespace sluice::core
