#include "init/os/oom.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "child.h"
#include "init/os/spawn.h"
#include "init/os/text_file.h"

namespace sluice::os {

namespace {

std::string score(pid_t pid) {
    return text_of("/proc/" + std::to_string(pid) + "/oom_score_adj");
}

/// A program that waits, as spawn() starts it.
struct Program {
    explicit Program(bool first_victim)
        : spawned(spawn(
              loop,
              {.path = "/bin/sleep", .command = {"sleep", "100"}, .first_victim = first_victim})) {
        REQUIRE(spawned.error == 0);
    }

    ~Program() {
        ::kill(spawned.pid, SIGKILL);
        ::waitpid(spawned.pid, nullptr, 0);
    }

    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    boost::asio::io_context loop;
    Spawned spawned;
};

const std::string raised = std::to_string(first_victim) + "\n";

} // namespace

TEST_CASE("a child that is to be the first victim is it before its program runs") {
    const Program ordinary(false);
    const Program victim(true);
    CHECK(score(ordinary.spawned.pid) == score(::getpid()));
    CHECK(score(victim.spawned.pid) == raised);
    CHECK(score(::getpid()) != raised);
}

TEST_CASE("it gets our value back, and whoever has one of its own keeps it") {
    const Program victim(true);
    CHECK(spare({victim.spawned.pid, ::getpid()}));
    CHECK(score(victim.spawned.pid) == score(::getpid()));
    const tests::Signpost ready;
    const tests::Child other([&] {
        tests::shell("echo 700 > /proc/$PPID/oom_score_adj");
        ready.raise();
        return ::pause();
    });
    REQUIRE(ready.await());
    CHECK(spare({other.pid()}));
    CHECK(score(other.pid()) == "700\n");
    make_first_victims({other.pid()});
    CHECK(score(other.pid()) == raised);
    CHECK(spare({other.pid()}));
    CHECK(score(other.pid()) == score(::getpid()));
}

TEST_CASE("whether it can be set is tried, and changes nothing") {
    const Program victim(true);
    CHECK(can_set_oom_score({victim.spawned.pid, ::getpid()}));
    CHECK(score(victim.spawned.pid) == raised);
    pid_t gone = 0;
    {
        const Program program(false);
        gone = program.spawned.pid;
    }
    CHECK(can_set_oom_score({gone}));
    CHECK(spare({gone}));
}

TEST_CASE("another user's program is not ours to set") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a program of another user's is started as root");
        return;
    }
    const Program ours(true);
    const pid_t pid = ours.spawned.pid;
    // As root without CAP_DAC_OVERRIDE, which has no more rights on the file than any other user.
    tests::Child other([pid] {
        if (::setgid(33) != 0 || ::setuid(33) != 0) return 10;
        if (can_set_oom_score({pid})) return 11;
        return spare({pid}) ? 12 : 0;
    });
    CHECK(other.status() == 0);
    CHECK(score(pid) == raised);
}

} // namespace sluice::os
