#include "roles.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <initializer_list>
#include <map>

#include "await.h"

namespace tests {

namespace {

bool is_one_of(int signal, std::initializer_list<int> signals) {
    return std::ranges::find(signals, signal) != signals.end();
}

void block_everything() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
}

siginfo_t next_signal() {
    sigset_t all;
    sigfillset(&all);
    siginfo_t info{};
    while (::sigwaitinfo(&all, &info) < 0) {
    }
    return info;
}

// One write a line: several processes share the pipe.
void say(const std::string& line) {
    const auto text = line + "\n";
    [[maybe_unused]] const auto written = ::write(STDOUT_FILENO, text.data(), text.size());
}

int record(const std::string& label) {
    block_everything();
    say(label + " ready");
    for (;;) {
        const auto info = next_signal();
        say(label + " signal " + std::to_string(info.si_signo) + " value " +
            std::to_string(info.si_code == SI_QUEUE ? info.si_value.sival_int : -1));
        if (info.si_signo == SIGTERM) return 0;
    }
}

int stubborn() {
    block_everything();
    say("stubborn ready");
    for (;;) next_signal();
}

int family() {
    block_everything();
    if (::fork() == 0) return record("grandchild");
    return record("child");
}

int leave(const std::string& what, bool own_session) {
    std::array<int, 2> ready{};
    if (::pipe(ready.data()) != 0) return 1;
    if (::fork() == 0) {
        if (own_session) ::setsid();
        block_everything(); // before anybody is told that it is ready
        ::close(ready[0]);
        ::close(ready[1]);
        return what == "record" ? record("left") : stubborn();
    }
    ::close(ready[1]);
    char nothing = 0;
    [[maybe_unused]] const auto end = ::read(ready[0], &nothing, 1);
    return 3;
}

int descriptors() {
    std::string line = "descriptors";
    for (int fd = 0; fd < 1'024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) line += " " + std::to_string(fd);
    }
    say(line);
    return 0;
}

int fill() {
    block_everything();
    // A description of its own: O_NONBLOCK on the shared one would be sluice's, too.
    const int own = ::open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    const std::string line(1'024, '.');
    while (::write(own, line.data(), line.size()) > 0) {
    }
    while (::write(own, ".", 1) > 0) {
    }
    say(errno == EAGAIN ? "full" : "cannot fill");
    return record("filler");
}

int storm(pid_t target, int count) {
    const auto kinds = storm_signals();
    for (int i = 0; i < count; ++i) {
        const int signal = kinds.at(static_cast<std::size_t>(i) % kinds.size());
        if (signal >= SIGRTMIN) {
            ::sigqueue(target, signal, sigval{.sival_int = i});
        } else {
            ::kill(target, signal);
        }
    }
    return 0;
}

int wait_then_exit(int status) {
    block_everything();
    say("ready");
    next_signal();
    return status;
}

} // namespace

std::vector<int> catchable_signals() {
    std::vector<int> signals;
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
        const bool library = signal > SIGSYS && signal < SIGRTMIN;
        const bool fault =
            is_one_of(signal, {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS});
        if (library || fault || is_one_of(signal, {SIGKILL, SIGSTOP})) continue;
        signals.push_back(signal);
    }
    return signals;
}

std::vector<int> storm_signals() {
    auto signals = catchable_signals();
    std::erase(signals, SIGTERM);
    return signals;
}

int play(std::string_view name, const std::vector<std::string>& words) {
    const auto word = [&](std::size_t at, const char* usual) {
        return at < words.size() ? words[at] : std::string(usual);
    };
    if (name == "record") return record(word(0, "child"));
    if (name == "stubborn") return stubborn();
    if (name == "family") return family();
    if (name == "leave") return leave(word(0, "record"), word(1, "") == "session");
    if (name == "descriptors") return descriptors();
    if (name == "fill") return fill();
    if (name == "storm") return storm(std::stoi(words.at(0)), std::stoi(words.at(1)));
    if (name == "wait-then-exit") return wait_then_exit(std::stoi(words.at(0)));
    std::fprintf(stderr, "no such role\n");
    return 99;
}

} // namespace tests
