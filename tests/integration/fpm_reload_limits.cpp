#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "isolation.h"
#include "processes.h"
#include "served_site.h"

// A reload, and a stop, where there is little memory or a capability is missing.

namespace tests {

namespace {

namespace fs = std::filesystem;

bool cannot_be_tested() {
    if (::geteuid() == 0) return false;
    MESSAGE("skipped: taking rights away, and a limit of memory, need root");
    return true;
}

std::string score_of(pid_t pid) {
    return read_file("/proc/" + std::to_string(pid) + "/oom_score_adj");
}

std::vector<std::string> without(const std::string& capability) {
    return {"setpriv", "--bounding-set", "-" + capability, "--inh-caps", "-" + capability};
}

const std::string raised = "1000\n";

// Writes what the worker that warms up has, and its master.
void add_gate(const ServedSite& site) {
    site.folder().write("app/gate.php",
                        "<?php $marks = __DIR__ . '/../marks/';\n"
                        "foreach ([posix_getpid() => 'worker', posix_getppid() => 'master'] as "
                        "$pid => $name) {\n"
                        "  file_put_contents($marks . $name, "
                        "file_get_contents(\"/proc/$pid/oom_score_adj\"));\n"
                        "}\n");
}

constexpr auto recorded = "[[reload.check]]\n"
                          "command = [\"/bin/sh\", \"-c\", "
                          "\"cat /proc/self/oom_score_adj > @folder@/marks/check\"]\n"
                          "[[reload.warmup]]\nscript = \"@folder@/app/gate.php\"\n";

/// A memory cgroup, its limit as far above what is in use as is asked for.
class MemoryLimit {
  public:
    MemoryLimit() : folder_("/sys/fs/cgroup/memory/sluice-test-" + std::to_string(::getpid())) {
        std::error_code refused;
        fs::create_directory(folder_, refused);
        usable_ = fs::exists(folder_ / "memory.limit_in_bytes");
    }

    ~MemoryLimit() {
        eventually([&] { return ::rmdir(folder_.c_str()) == 0 || errno != EBUSY; });
    }

    MemoryLimit(const MemoryLimit&) = delete;
    MemoryLimit& operator=(const MemoryLimit&) = delete;

    bool usable() const { return usable_; }

    void enter() const { std::ofstream(folder_ / "cgroup.procs") << ::getpid() << std::flush; }

    void leave_free(std::uint64_t bytes) const {
        std::uint64_t used = 0;
        std::ifstream(folder_ / "memory.usage_in_bytes") >> used;
        std::ofstream(folder_ / "memory.limit_in_bytes") << used + bytes << std::flush;
    }

  private:
    fs::path folder_;
    bool usable_ = false;
};

constexpr std::uint64_t mib = std::uint64_t{1'024} * 1'024;

} // namespace

TEST_CASE("until the switch the newcomer is the OOM killer's first victim, then the old one") {
    if (cannot_be_tested()) return;
    const ServedSite site({}, recorded);
    add_gate(site);
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto own = score_of(sluice.pid());
    const pid_t first = site.master();
    CHECK(score_of(first) == own);
    auto request = site.in_flight(1s);
    CHECK(site.reload() == 0);
    for (const auto* const name : {"marks/check", "marks/master", "marks/worker"}) {
        CHECK_MESSAGE(read_file(site.folder().path(name)) == raised, name);
    }
    const pid_t second = site.master();
    REQUIRE(second != first);
    CHECK(score_of(second) == own);
    for (const pid_t pid : descendants_of(second)) CHECK(score_of(pid) == own);
    CHECK(score_of(first) == raised);
    for (const pid_t pid : children_of(first)) CHECK(score_of(pid) == raised);
    CHECK(FpmSite::is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    // A run after a crash has nobody beside it.
    ::kill(second, SIGKILL);
    pid_t third = 0;
    REQUIRE(eventually([&] {
        third = site.master();
        return third != 0 && third != second && third != sluice.pid();
    }));
    CHECK(score_of(third) == own);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("what could not be set back is left alone") {
    if (cannot_be_tested()) return;
    const ServedSite site({}, recorded);
    add_gate(site);
    const auto script = site.folder().write(
        "bin/drop", "#!/bin/sh\nexec setpriv --reuid 33 --regid 33 --clear-groups \"$@\"\n", 0755);
    auto launch = site.launch();
    launch.command.insert(launch.command.begin(), script);
    launch.under = without("dac_override");
    Sluice sluice(launch);
    REQUIRE(site.serves());
    const auto own = score_of(sluice.pid());
    CHECK(site.reload() == 0);
    CHECK(read_file(site.folder().path("marks/check")) == raised);
    for (const auto* const name : {"marks/master", "marks/worker"}) {
        CHECK_MESSAGE(read_file(site.folder().path(name)) == own, name);
    }
    CHECK(score_of(site.master()) == own);
    CHECK_FALSE(has_part(sluice.err(), "oom_score_adj"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("where memory runs out during a reload, who serves goes on") {
    if (cannot_be_tested()) return;
    const MemoryLimit limit;
    if (!limit.usable()) {
        MESSAGE("skipped: no memory cgroup (version 1) can be made here");
        return;
    }
    std::string way;
    SUBCASE("a second generation") {
        way = "proceed";
    }
    SUBCASE("FPM's own reload, of which only the checks are sluice's") {
        way = "signal";
    }
    const ServedSite site({}, "[reload]\nlow_memory = \"" + way + "\"\n");
    auto launch = site.launch();
    // The pages of FPM's own file are in no limit here, as they are in a container's: the rest has
    // to be more than those.
    launch.before_exec = [&] {
        limit.enter();
        empty_scratch_folders();
        std::ofstream("/dev/shm/ballast") << std::string(64 * mib, 'x') << std::flush;
    };
    Sluice sluice(launch);
    REQUIRE(site.serves());
    const pid_t first = site.master();
    limit.leave_free(3 * mib);
    CHECK(site.reload() != 0);
    CHECK(sluice.logs("as the kernel does where memory runs out"));
    CHECK(exists(first));
    CHECK(site.master() == first);
    limit.leave_free(100 * mib);
    CHECK(site.reload() == 0);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("root without CAP_KILL: it is said, and a reload and a stop are as quick as ever") {
    if (cannot_be_tested()) return;
    const ServedSite site({.by_path = each_transport()}, "[reload]\nretire = \"20s\"\n");
    auto launch = site.launch();
    launch.under = without("kill");
    Sluice sluice(launch);
    REQUIRE(site.serves());
    CHECK(has_part(sluice.err(), "--cap-add KILL"));
    const pid_t first = site.master();
    const auto workers = children_of(first);
    auto request = site.in_flight(700ms);
    CHECK(site.reload() == 0);
    CHECK(FpmSite::is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    CHECK_FALSE(has_part(sluice.err(), "(reload.retire)"));
    CHECK(std::ranges::none_of(workers, exists));
    // One that is rolled back leaves nobody, either.
    const pid_t second = site.master();
    site.configure("[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\ntext = \"no such\"\n");
    CHECK(site.reload() != 0);
    CHECK(site.master() == second);
    CHECK(eventually([&] { return children_of(sluice.pid()) == std::vector{second}; }));
    auto last = site.in_flight(300ms);
    sluice.signal(SIGTERM);
    CHECK(FpmSite::is_whole(last.answer()));
    CHECK(sluice.exit_status() == 0);
    CHECK(has_part(sluice.last_log_line(), "finished"));
    CHECK_FALSE(has_part(sluice.err(), "deadline:"));
    CHECK_FALSE(has_part(sluice.err(), "outlived"));
}

} // namespace tests
