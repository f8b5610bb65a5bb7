#include "init/os/fatal.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "signals/names.h"

namespace sluice::os {

namespace {

const char* name(int signal) {
    switch (signal) {
    case SIGSEGV: return "SEGV";
    case SIGBUS: return "BUS";
    case SIGFPE: return "FPE";
    case SIGILL: return "ILL";
    case SIGABRT: return "ABRT";
    case SIGTRAP: return "TRAP";
    case SIGSYS: return "SYS";
    default: return "?";
    }
}

iovec part(const char* text) {
    return {const_cast<char*>(text), std::strlen(text)};
}

// Async-signal-safe calls only.
void die(int signal, siginfo_t* info, void* /*context*/) {
    // To PID 1 the kernel delivers no signal of its own namespace without a handler. Having one is
    // no reason to let anybody in the container end it; who is outside of it (pid 0) may.
    const bool sent_from_inside =
        info->si_code <= 0 && info->si_pid != 0 && info->si_pid != ::getpid();
    if (sent_from_inside && ::getpid() == 1) return;
    ::signal(signal, SIG_DFL);
    const std::array line{
        part("sluice error: fatal signal "),
        part(name(signal)),
        part(info->si_code > 0 ? ", a fault of sluice itself: please report it\n"
                               : ", sent by a process; sluice ends\n"),
    };
    // Not to hang on a pipe that nobody reads; a terminal knows no RWF_NOWAIT, but is read.
    const int parts = static_cast<int>(line.size());
    if (::pwritev2(STDERR_FILENO, line.data(), parts, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP) {
        [[maybe_unused]] const auto written = ::writev(STDERR_FILENO, line.data(), parts);
    }
    // A fault comes again on return and now ends us, as PID 1 too; what was raised does not.
    if (info->si_code > 0) return;
    ::raise(signal);
    ::_exit(128 + signal);
}

} // namespace

void report_fatal_signals() {
    // A stack overflow leaves no room for the handler on the normal stack.
    static std::array<char, 16'384> stack;
    const stack_t alternative{.ss_sp = stack.data(), .ss_flags = 0, .ss_size = stack.size()};
    ::sigaltstack(&alternative, nullptr);

    struct sigaction action {};

    action.sa_sigaction = &die;
    action.sa_flags = static_cast<int>(SA_SIGINFO | SA_NODEFER | SA_ONSTACK);
    for (const int signal : signals::faults) ::sigaction(signal, &action, nullptr);
}

} // namespace sluice::os
