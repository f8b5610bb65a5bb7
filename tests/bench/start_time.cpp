// bench_start RUNS CONTENDER...: the time from the exec of an init to main() of its child, which is
// this program once more. The contenders take turns.
#include "tests/bench/contender.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

namespace {

int run_child() {
    const std::int64_t now = bench::now_ns();
    return write(1, &now, sizeof now) == sizeof now ? 0 : 1;
}

double one_start(const bench::Contender& contender, const std::string& self) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::exit(1);
    std::int64_t* before = static_cast<std::int64_t*>(mmap(
        nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const pid_t pid = bench::spawn(contender, {self, "child"}, ends[1], before);
    close(ends[1]);
    std::int64_t in_child = 0;
    const bool told = read(ends[0], &in_child, sizeof in_child) == sizeof in_child;
    close(ends[0]);
    bench::wait_for_end(pid, contender);
    const double taken = double(in_child - *before) / 1e6;
    munmap(before, sizeof(std::int64_t));
    if (!told) {
        std::fprintf(stderr, "bench_start: %s did not start its child\n", contender.name.c_str());
        std::exit(1);
    }
    return taken;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "child") == 0) return run_child();
    if (argc < 4) return 2;
    auto contenders = bench::parse_contenders({argv + 2, argv + argc});
    const std::unique_ptr<char, decltype(&std::free)> self(realpath("/proc/self/exe", nullptr),
                                                           std::free);
    for (int i = std::atoi(argv[1]); i > 0; --i)
        for (auto& c : contenders) c.samples.push_back(one_start(c, self.get()));
    bench::print_table(contenders, "init");
    return 0;
}
