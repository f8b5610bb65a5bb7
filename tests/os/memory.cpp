#include "init/os/memory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "child.h"
#include "tests/integration/temp_folder.h"

namespace sluice::os {

namespace fs = std::filesystem;
using tests::Child;
using tests::Signpost;

namespace {

constexpr std::size_t mib = std::size_t{1'024} * 1'024;

/// Memory that is really there, until the process ends.
void* take_memory(std::size_t size, int sharing = MAP_PRIVATE) {
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) ::abort();
    ::madvise(memory, size, MADV_NOHUGEPAGE); // else a worker's write would copy 2 MiB
    std::memset(memory, 1, size);
    return memory;
}

/// True where the numbers are the program's own: a sanitizer's shadow would be counted with it.
bool can_measure() {
#ifdef __SANITIZE_ADDRESS__
    MESSAGE("skipped: the address sanitizer takes memory of its own");
    return false;
#else
    return true;
#endif
}

bool is_about(std::uint64_t bytes, std::size_t mebibytes) {
    const auto least = mebibytes * mib;
    return bytes >= least && bytes <= least + 8 * mib;
}

/// A master with opcache's memory and its workers, all alive until the end.
struct Generation {
    static constexpr std::size_t master_own = 30;
    static constexpr std::size_t shared = 20;
    static constexpr std::size_t worker_own = 10;
    static constexpr std::size_t workers = 3;
    static constexpr std::size_t all = master_own + shared + workers * worker_own;

    Generation()
        : master([this] {
              take_memory(master_own * mib);
              const void* const opcache = take_memory(shared * mib, MAP_SHARED);
              std::vector<std::unique_ptr<Child>> children;
              for (std::size_t i = 0; i < workers; ++i) {
                  children.push_back(std::make_unique<Child>([&] { return work(opcache); }));
              }
              ready.raise();
              return ::pause();
          }) {
        for (std::size_t i = 0; i <= workers; ++i) REQUIRE(ready.await());
        const auto task = std::to_string(master.pid());
        std::ifstream children("/proc/" + task + "/task/" + task + "/children");
        pids.push_back(master.pid());
        for (pid_t worker = 0; children >> worker;) pids.push_back(worker);
        REQUIRE(pids.size() == 1 + workers);
    }

    int work(const void* opcache) const {
        take_memory(worker_own * mib);
        if (std::memchr(opcache, 2, shared * mib) != nullptr) return 1; // looks at all of it
        ready.raise();
        return ::pause();
    }

    Signpost ready;
    Child master;
    std::vector<pid_t> pids;
};

bool write(const fs::path& file, const std::string& text) {
    std::ofstream out(file);
    return static_cast<bool>(out << text << std::flush);
}

/// A cgroup with this limit, and one in it with a larger one; both gone at the end.
class Cgroups {
  public:
    Cgroups(const core::CgroupPlace& place, std::size_t outer_limit, std::size_t inner_limit)
        : outer_(place.top + "/sluice-test-" + std::to_string(::getpid())),
          inner_(outer_ / "inner") {
        const auto* const limit = place.version == 1 ? "memory.limit_in_bytes" : "memory.max";
        std::error_code refused;
        fs::create_directories(inner_, refused);
        usable_ = !refused;
        if (place.version == 2) {
            usable_ = usable_ && write(place.top + "/cgroup.subtree_control", "+memory") &&
                      write(outer_ / "cgroup.subtree_control", "+memory");
        }
        usable_ = usable_ && write(outer_ / limit, std::to_string(outer_limit)) &&
                  write(inner_ / limit, std::to_string(inner_limit));
    }

    ~Cgroups() {
        ::rmdir(inner_.c_str());
        ::rmdir(outer_.c_str());
    }

    Cgroups(const Cgroups&) = delete;
    Cgroups& operator=(const Cgroups&) = delete;

    bool usable() const { return usable_; }

    bool enter() const { return write(inner_ / "cgroup.procs", std::to_string(::getpid())); }

    fs::path inner() const { return inner_; }

  private:
    fs::path outer_;
    fs::path inner_;
    bool usable_ = false;
};

std::string text(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// In the inner cgroup: 1 and more say what was wrong.
int look_around(const Cgroups& groups, const std::string& file) {
    if (!groups.enter()) return 1;
    take_memory(20 * mib);
    // Page cache that can be dropped is not in use.
    if (!write(file, std::string(10 * mib, 'x'))) return 2;
    ::sync();
    const auto level = memory_limit();
    if (!level || level->limit != 64 * mib) return 3;
    if (level->used < 20 * mib || level->used > 28 * mib) return 4;
    const auto needed = memory_of({::getpid()});
    if (needed < 20 * mib || needed > 28 * mib) return 5;
    if (core::room(level->limit, level->used, needed)) return 6;
    take_memory(20 * mib);
    const auto full = memory_limit();
    const auto refusal = core::room(full->limit, full->used, memory_of({::getpid()}));
    return refusal && refusal->starts_with("two generations do not fit: limit 64 MiB, in use 4")
               ? 0
               : 7;
}

} // namespace

TEST_CASE("a real cgroup: the smaller limit above counts, and the cache does not") {
    if (!can_measure()) return;
    const auto place = core::cgroup_place(text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
    if (::geteuid() != 0 || !place) {
        MESSAGE("skipped: needs root, and a memory controller that is mounted");
        return;
    }
    const tests::TempFolder folder;
    const Cgroups groups(*place, 64 * mib, 128 * mib);
    if (!groups.usable()) {
        MESSAGE("skipped: no memory cgroup can be made in " << place->top);
        return;
    }
    Child child([&] { return look_around(groups, folder.path("cache")); });
    CHECK(child.status() == 0);
    // Seen from outside: each level with its own limit.
    const auto levels = memory_levels({place->version, place->top, groups.inner()});
    REQUIRE(levels.size() == 3);
    CHECK(levels[1].limit == 64 * mib);
    // Version 1 tells of the limit above by itself.
    CHECK(levels[0].limit == (place->version == 1 ? 64 : 128) * mib);
}

TEST_CASE("what a generation takes: shared memory once, whoever reads") {
    if (!can_measure()) return;
    const Generation generation;
    CHECK(is_about(memory_of(generation.pids), Generation::all));
    if (::geteuid() != 0) return;
    Child stranger([&] { // as sluice is to FPM's workers without CAP_SYS_PTRACE
        if (::setresuid(33, 33, 33) != 0) return 2;
        return is_about(memory_of(generation.pids), Generation::all) ? 0 : 1;
    });
    CHECK(stranger.status() == 0);
}

TEST_CASE("processes that are gone take nothing") {
    Child gone([] { return 0; });
    const auto pid = gone.pid();
    REQUIRE(gone.status() == 0);
    CHECK(memory_of({pid}) == 0);
    CHECK(memory_of({}) == 0);
    CHECK(memory_of({::getpid(), pid}) > 0);
}

} // namespace sluice::os
