// bench_orphans RUNS COUNT CONTENDER...: the time that an init, as PID 1 of a PID namespace, needs
// to reap COUNT orphans that all become its own, dead, at the same moment. Needs root.
// The child of the init is this program once more: its own child forks COUNT processes that end at
// once, waits until all have ended, and ends without having reaped one.
#include "tests/bench/contender.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

[[noreturn]] void make_zombies(int count, std::int64_t* ended_at) {
    pid_t last = 0;
    for (int i = 0; i < count; ++i) {
        last = fork();
        if (last == 0) _exit(0);
        if (last < 0) _exit(1);
        siginfo_t info{};
        waitid(P_PID, static_cast<id_t>(last), &info, WEXITED | WNOWAIT);
    }
    *ended_at = bench::now_ns();
    _exit(0);
}

/// In a PID namespace -1 means everybody but PID 1 and the caller, zombies as well.
bool anybody_left() {
    return kill(-1, 0) == 0 || errno != ESRCH;
}

int run_child(int count) {
    auto* ended_at = static_cast<std::int64_t*>(mmap(
        nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const pid_t maker = fork();
    if (maker == 0) make_zombies(count, ended_at);
    int status = 0;
    waitpid(maker, &status, 0);
    while (anybody_left() && bench::now_ns() - *ended_at < 60'000'000'000) poll(nullptr, 0, 1);
    const std::int64_t taken = bench::now_ns() - *ended_at;
    if (status != 0 || anybody_left()) return 1;
    return write(1, &taken, sizeof taken) == sizeof taken ? 0 : 1;
}

double one_run(const bench::Contender& contender, const std::string& self, const char* count) {
    bench::Contender isolated = contender;
    isolated.command.insert(isolated.command.begin(),
                            {"unshare", "-pf", "--kill-child", "--mount-proc"});
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::exit(1);
    const pid_t pid = bench::spawn(isolated, {self, "child", count}, ends[1]);
    close(ends[1]);
    std::int64_t taken = 0;
    const bool told = read(ends[0], &taken, sizeof taken) == sizeof taken;
    close(ends[0]);
    bench::wait_for_end(pid, contender);
    if (!told) {
        std::fprintf(stderr, "bench_orphans: no figure from %s\n", contender.name.c_str());
        std::exit(1);
    }
    return double(taken) / 1e6;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::strcmp(argv[1], "child") == 0) return run_child(std::atoi(argv[2]));
    if (argc < 5) return 2;
    auto contenders = bench::parse_contenders({argv + 3, argv + argc});
    const std::unique_ptr<char, decltype(&std::free)> self(realpath("/proc/self/exe", nullptr),
                                                           std::free);
    for (int i = std::atoi(argv[1]); i > 0; --i)
        for (auto& c : contenders) c.samples.push_back(one_run(c, self.get(), argv[2]));
    bench::print_table(contenders, "init");
    return 0;
}
