#include "init/os/reaper.h"

#include <sys/wait.h>

#include <cerrno>

namespace sluice::os {

Reaped reap(bool& more) {
    constexpr std::size_t at_once = 1'024;
    Reaped reaped;
    more = false;
    for (;;) {
        if (reaped.changes.size() == at_once) {
            more = true;
            return reaped;
        }
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
        if (pid == 0) return reaped;
        if (pid < 0) {
            if (errno == EINTR) continue;
            reaped.none_left = errno == ECHILD;
            return reaped;
        }
        reaped.changes.push_back({pid, status, !WIFSTOPPED(status)});
    }
}

} // namespace sluice::os
