#include "init/core/exit_status.h"

#include <doctest/doctest.h>

#include <csignal>

#include "tests/unit/world.h"

namespace sluice::core {

TEST_CASE("the container's exit status is the service's own, or 128 and the signal") {
    for (int status = 0; status < 256; ++status) {
        CHECK(exit_code(exited_with(status)) == status);
    }
    CHECK(exit_code(killed_by(SIGKILL)) == 137);
    CHECK(exit_code(killed_by(SIGTERM)) == 143);
    CHECK(exit_code(killed_by(SIGSEGV) | 0x80) == 139); // dumped core
    CHECK(exit_code(killed_by(SIGRTMAX)) == 128 + SIGRTMAX);
}

TEST_CASE("exit 9 and signal 9 are told apart in words") {
    CHECK(describe_end(exited_with(9)) == "exited with status 9");
    CHECK(describe_end(killed_by(9)) == "was ended by signal KILL");
}

TEST_CASE("a mapped status is replaced, others are not") {
    const ExitMap map{{143, 0}, {0, 1}};
    CHECK(mapped(map, 143) == 0);
    CHECK(mapped(map, 0) == 1);
    CHECK(mapped(map, 5) == 5);
}

} // namespace sluice::core
