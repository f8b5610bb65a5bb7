#include "init/core/room.h"

#include <doctest/doctest.h>

#include <limits>

// The texts are real ones, shortened.

namespace sluice::core {

namespace {

constexpr std::uint64_t mib = std::uint64_t{1'024} * 1'024;

constexpr auto v1_groups = "9:name=systemd:/docker/4f1c\n"
                           "4:memory:/docker/4f1c\n"
                           "3:cpu,cpuacct:/docker/4f1c\n"
                           "0::/docker/4f1c\n";
constexpr auto v1_host_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
constexpr auto v1_container_mounts = "735 734 0:32 /docker/4f1c /sys/fs/cgroup/memory ro,nosuid "
                                     "master:9 - cgroup cgroup rw,memory\n";
constexpr auto v2_mounts = "610 600 0:27 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - "
                           "cgroup2 cgroup rw,nsdelegate\n";

constexpr auto v2_stat = "anon 8192000\nfile 30867456\nkernel 2326528\ninactive_anon 8167424\n"
                         "active_anon 24576\ninactive_file 20971520\nactive_file 9895936\n";
constexpr auto v1_stat =
    "cache 9560064\nrss 10469376\ninactive_file 1048576\nhierarchical_memory_limit 268435456\n"
    "hierarchical_memsw_limit 9223372036854771712\ntotal_cache 3860492288\n"
    "total_inactive_file 4194304\n";

constexpr auto smaps_rollup =
    "56219cc33000-7ffcde746000 ---p 00000000 00:00 0                          [rollup]\n"
    "Rss:                1692 kB\nPss:                 380 kB\nPss_Dirty:           112 kB\n"
    "Pss_Anon:            112 kB\nPss_File:            268 kB\nPss_Shmem:            64 kB\n";
constexpr auto status = "Name:\tphp-fpm8.2\nVmHWM:\t   21000 kB\nVmRSS:\t   20480 kB\n"
                        "RssAnon:\t    4096 kB\nRssFile:\t   14336 kB\nRssShmem:\t    2048 kB\n";

MemoryLevel level(std::uint64_t limit, std::uint64_t used) {
    return {.limit = limit * mib, .used = used * mib};
}

} // namespace

TEST_CASE("the memory cgroup is found: on the host, in a container, with a namespace") {
    const std::string memory = "/sys/fs/cgroup/memory";
    CHECK(cgroup_place(v1_groups, v1_host_mounts) ==
          CgroupPlace{1, memory, memory + "/docker/4f1c"});
    CHECK(cgroup_place(v1_groups, v1_container_mounts) == CgroupPlace{1, memory, memory});
    CHECK(cgroup_place("0::/\n", v2_mounts) == CgroupPlace{2, "/sys/fs/cgroup", "/sys/fs/cgroup"});
    CHECK(cgroup_place("0::/system.slice/a.scope\n", v2_mounts) ==
          CgroupPlace{2, "/sys/fs/cgroup", "/sys/fs/cgroup/system.slice/a.scope"});
}

TEST_CASE("a path that the mount does not show is its top") {
    const CgroupPlace top{2, "/sys/fs/cgroup", "/sys/fs/cgroup"};
    CHECK(cgroup_place("0::/../../b\n", v2_mounts) == top);
    CHECK(cgroup_place("0::/a/../../b\n", v2_mounts) == top);
    const auto other = "1 1 0:27 /kubepods/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n";
    CHECK(cgroup_place("0::/kubepods/xy\n", other) == top);
    CHECK(cgroup_place("0::/kubepods/x/y\n", other) ==
          CgroupPlace{2, "/sys/fs/cgroup", "/sys/fs/cgroup/y"});
}

TEST_CASE("a mount point with a blank in its name") {
    CHECK(cgroup_place("0::/a\n", "1 1 0:27 / /my\\040groups rw - cgroup2 none rw\n") ==
          CgroupPlace{2, "/my groups", "/my groups/a"});
}

TEST_CASE("no memory controller is no place") {
    CHECK_FALSE(cgroup_place("", ""));
    CHECK_FALSE(cgroup_place("0::/\n", "24 1 0:22 / /proc rw - proc proc rw\n"));
    CHECK_FALSE(cgroup_place("4:memory:/\n", v2_mounts));
    CHECK_FALSE(cgroup_place("garbage", "garbage - \n\n - cgroup2"));
    CHECK_FALSE(cgroup_place("0::/\n", "1 - cgroup2 cgroup rw\n"));
}

TEST_CASE("limit and use, without the cache that can be dropped") {
    CHECK(memory_level("268435456\n", "61865984\n", v2_stat) == level(256, 39));
    CHECK(memory_level("max\n", "61865984\n", v2_stat) == MemoryLevel{.used = 39 * mib});
    CHECK(memory_level("536870912\n", "20971520\n", v1_stat) == level(256, 16));
    CHECK(memory_level("9223372036854771712\n", "1048576", "") == MemoryLevel{.used = mib});
    // A kernel with pages of 64 KiB.
    CHECK(memory_level("9223372036854710272\n", "1048576", "") == MemoryLevel{.used = mib});
    CHECK(memory_level("268435456\n", "1024\n", v2_stat) == level(256, 0));
}

TEST_CASE("what cannot be read is no limit") {
    CHECK(memory_level("", "", "") == MemoryLevel{});
    CHECK(memory_level("-1", "x", "inactive_file\n") == MemoryLevel{});
    CHECK_FALSE(memory_level("99999999999999999999999\n", "1", "").limit);
}

TEST_CASE("the tightest of nested limits counts") {
    CHECK_FALSE(tightest({}));
    CHECK_FALSE(tightest({MemoryLevel{.used = 5 * mib}}));
    const MemoryLevel none{.used = 900 * mib};
    CHECK(tightest({level(256, 100), level(512, 100), none}) == level(256, 100));
    CHECK(tightest({none, level(512, 100), level(256, 100)}) == level(256, 100));
    // A pod whose other containers have taken nearly everything.
    CHECK(tightest({level(256, 100), level(512, 500)}) == level(512, 500));
    CHECK(tightest({level(512, 600), level(256, 300)}) == level(256, 300)); // both are over
}

TEST_CASE("what a process has, from its shares and from what everybody may read") {
    CHECK(proportional_memory(smaps_rollup) == ProcessMemory{112 * 1'024, 64 * 1'024});
    CHECK_FALSE(proportional_memory(""));
    CHECK_FALSE(proportional_memory("Rss: 1692 kB\nPss: 380 kB\n")); // before Linux 5.1
    CHECK(resident_memory(status) == ProcessMemory{4 * mib, 2 * mib});
    CHECK_FALSE(resident_memory("Name:\tkthreadd\nState:\tS (sleeping)\n"));
}

TEST_CASE("shares add up; what is resident counts once where it is shared") {
    CHECK(memory_of_generation({}, true) == 0);
    CHECK(memory_of_generation({}, false) == 0);
    const std::vector<ProcessMemory> processes{{10, 100}, {14, 60}, {25, 100}, {8, 0}};
    CHECK(memory_of_generation(processes, true) == 57 + 260);
    CHECK(memory_of_generation(processes, false) == 10 + 4 + 15 + 0 + 100);
}

TEST_CASE("two generations fit, or the sentence says what to do") {
    CHECK_FALSE(room({}, 200 * mib, 150 * mib));
    CHECK_FALSE(room(350 * mib, 200 * mib, 150 * mib));
    CHECK(room(256 * mib, 200 * mib, 150 * mib) ==
          "two generations do not fit: limit 256 MiB, in use 200 MiB, the running generation takes "
          "150 MiB; raise the memory limit, lower pm.max_children, or set reload.low_memory");
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(room(most - 1, most, most));
}

} // namespace sluice::core
