#include "signals/mask.h"

#include <csignal>
#include <system_error>

#include "signals/names.h"

namespace sluice::signals {

void block_all() {
    sigset_t mask;
    sigfillset(&mask);
    for (const int fault : faults) sigdelset(&mask, fault);
    if (sigprocmask(SIG_SETMASK, &mask, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "sigprocmask: block signals");
    }
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    sigaction(SIGCHLD, &standard, nullptr);
}

bool reset_for_child() noexcept {
    struct sigaction standard = {};
    standard.sa_handler = SIG_DFL;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        // Refused for KILL, STOP and the C library's own two, whose actions cannot have changed.
        sigaction(signal, &standard, nullptr);
    }
    sigset_t none;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, nullptr) == 0;
}

} // namespace sluice::signals
