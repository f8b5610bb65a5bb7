#include "init/os/fallback.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>

#include "signals/meaning.h"
#include "signals/names.h"

namespace sluice::os {

namespace {

enum class Reaping { goes_on, service_ended, no_child };

Reaping reap_until(pid_t service, int& service_status) noexcept {
    for (;;) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid == service) {
            service_status = status;
            return Reaping::service_ended;
        }
        if (pid == 0) break;
        if (pid < 0 && errno != EINTR) return Reaping::no_child;
    }
    // It may have been reaped by whoever failed before us, while adopted children live on.
    siginfo_t info{};
    const bool gone =
        ::waitid(P_PID, static_cast<id_t>(service), &info, WEXITED | WNOHANG | WNOWAIT) != 0 &&
        errno == ECHILD;
    return gone ? Reaping::no_child : Reaping::goes_on;
}

void pass_on(int signal, pid_t service, std::optional<int> stop_signal,
             const signals::Rules& rules) noexcept {
    const auto rule = signals::meaning_of(signal, rules);
    switch (rule.meaning) {
    case signals::Meaning::drain: ::kill(service, stop_signal.value_or(signal)); break;
    case signals::Meaning::forward:
        ::kill(service, rule.forward_as != 0 ? rule.forward_as : signal);
        break;
    case signals::Meaning::reload:
    case signals::Meaning::ignore: break;
    }
}

} // namespace

std::optional<int> plain_init(pid_t service, std::optional<int> stop_signal,
                              const signals::Rules& rules) noexcept {
    sigset_t all;
    sigfillset(&all);
    for (const int fault : signals::faults) sigdelset(&all, fault);
    for (;;) {
        int status = 0;
        switch (reap_until(service, status)) {
        case Reaping::service_ended: return status;
        case Reaping::no_child: return {};
        case Reaping::goes_on: break;
        }
        const int signal = ::sigwaitinfo(&all, nullptr);
        if (signal > 0 && signal != SIGCHLD && signal != SIGPIPE) {
            pass_on(signal, service, stop_signal, rules);
        }
    }
}

} // namespace sluice::os
