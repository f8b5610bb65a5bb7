#include "tests/bench/contender.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {
namespace {

double percentile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(std::ceil(share * double(values.size()))) - 1];
}

void reset_signals() {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    // A shell's background job ignores these two, and would pass that on.
    signal(SIGINT, SIG_DFL);
    signal(SIGQUIT, SIG_DFL);
}

} // namespace

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::vector<Contender> parse_contenders(std::span<char*> args) {
    std::vector<Contender> contenders;
    bool begins = true;
    for (std::size_t i = 0; i < args.size(); ++i) {
        const std::string_view word = args[i];
        if (word == ",") {
            begins = true;
        } else if (begins && i + 1 < args.size()) {
            contenders.push_back({std::string(word), std::atoi(args[++i]), {}, {}});
            begins = false;
        } else {
            contenders.back().command.emplace_back(word);
        }
    }
    return contenders;
}

pid_t spawn(const Contender& contender, const std::vector<std::string>& command, int out,
            std::int64_t* before_exec) {
    std::vector<std::string> words = contender.command;
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    const pid_t pid = fork();
    if (pid == 0) {
        reset_signals();
        dup2(null, 0);
        dup2(out < 0 ? null : out, 1);
        dup2(null, 2);
        if (before_exec != nullptr) *before_exec = now_ns();
        execvp(argv[0], argv.data());
        _exit(127);
    }
    close(null);
    return pid;
}

int wait_for_end(pid_t pid, const Contender& contender) {
    const int handle = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
    pollfd entry{handle, POLLIN, 0};
    if (poll(&entry, 1, 30'000) == 0) {
        std::fprintf(stderr, "%s (pid %d) does not end\n", contender.name.c_str(), int(pid));
        kill(pid, SIGKILL);
        std::exit(1);
    }
    close(handle);
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
}

void print_table(const std::vector<Contender>& contenders, const char* unit_note) {
    std::printf("| %s | median, ms | 90%% below | behind %s, ms | ratio | runs |\n", unit_note,
                contenders.front().name.c_str());
    std::puts("|---|---:|---:|---:|---:|---:|");
    const double base = percentile(contenders.front().samples, 0.5);
    for (const Contender& c : contenders) {
        const double median = percentile(c.samples, 0.5);
        std::printf("| %s | %.2f | %.2f | %.2f | %.2f | %zu |\n", c.name.c_str(), median,
                    percentile(c.samples, 0.9), median - base, base > 0 ? median / base : 0,
                    c.samples.size());
    }
}

} // namespace bench
