#include "init/os/proc.h"

#include <doctest/doctest.h>

namespace sluice::os {

TEST_CASE("descendants are found at any depth, in a list with strangers and circles") {
    const std::vector<Process> all{{2, 1, false}, {3, 2, false}, {4, 3, false}, {5, 1, true},
                                   {9, 8, false}, {8, 9, false}, {6, 2, false}};
    CHECK(descendants(all, 2) == std::vector<pid_t>{3, 6, 4});
    CHECK(descendants(all, 1) == std::vector<pid_t>{2, 5, 3, 6, 4});
    CHECK(descendants(all, 7).empty());
    CHECK(descendants(all, 9).size() <= 2);
    CHECK(descendants({}, 1).empty());
}

} // namespace sluice::os
