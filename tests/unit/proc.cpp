#include "init/os/proc.h"

#include <doctest/doctest.h>

namespace sluice::os {

TEST_CASE("descendants are found at any depth, in a list with strangers and circles") {
    const std::vector<Process> all{{2, 1, 2}, {3, 2, 2}, {4, 3, 4}, {5, 1, 5},
                                   {9, 8, 9}, {8, 9, 9}, {6, 2, 6}};
    CHECK(descendants(all, 2) == std::vector<pid_t>{3, 6, 4});
    CHECK(descendants(all, 1) == std::vector<pid_t>{2, 5, 3, 6, 4});
    CHECK(descendants(all, 7).empty());
    CHECK(descendants(all, 9).size() <= 2);
    CHECK(descendants({}, 1).empty());
}

} // namespace sluice::os
