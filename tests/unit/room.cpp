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

TEST_CASE("what a process has, by kind") {
    CHECK(process_memory(status) == ProcessMemory{4 * mib, 2 * mib});
    CHECK_FALSE(process_memory("Name:\tphp-fpm8.2\nState:\tZ (zombie)\n"));
    CHECK_FALSE(process_memory("RssAnon:\t x kB\nRssShmem:\t1 kB\n"));
    // More than any machine has; it must not turn into little.
    CHECK(process_memory("RssAnon:\t18446744073709551615 kB\nRssShmem:\t0 kB\n")->anonymous >
          mib * mib);
}

TEST_CASE("what a generation takes: what is shared counts once") {
    CHECK(memory_of_generation({}) == 0);
    CHECK(memory_of_generation({{10, 100}}) == 110);
    CHECK(memory_of_generation({{10, 100}, {14, 60}, {25, 120}, {8, 0}}) == 10 + 4 + 15 + 0 + 120);
    CHECK(memory_of_generation({{0, 0}, {5, 1}, {6, 2}}) == 5 + 6 + 2);
}

TEST_CASE("what is to be free beside the estimate") {
    CHECK(margin_of(0) == 16 * mib);
    CHECK(margin_of(7 * mib) == 16 * mib);
    CHECK(margin_of(64 * mib) == 16 * mib);
    CHECK(margin_of(200 * mib) == 50 * mib);
}

TEST_CASE("two generations fit, or the sentence says what to do") {
    CHECK_FALSE(room({}, 200 * mib, 150 * mib));
    CHECK_FALSE(room(350 * mib + margin_of(150 * mib), 200 * mib, 150 * mib));
    CHECK(room(349 * mib + margin_of(150 * mib), 200 * mib, 150 * mib));
    CHECK(room(256 * mib, 200 * mib, 150 * mib) ==
          "two generations do not fit: limit 256 MiB, in use 200 MiB, the running generation takes "
          "150 MiB, to spare are to be 38 MiB; raise the memory limit, lower pm.max_children, or "
          "set reload.low_memory");
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    CHECK(room(most - 1, most, most));
}

} // namespace sluice::core
