#pragma once

#include <string>
#include <vector>

namespace sluice::config {

/// One thing that is wrong with the configuration, told so that the operator can mend it.
struct Problem {
    std::string where;    // "/etc/sluice.toml:3:12", "environment", "command line"
    std::string key;      // "drain.deadline", "SLUICE_DRAIN_DEADLINE", "--signal"; may be empty
    std::string message;  // what was found, what is allowed, the next step
    bool warning = false; // worth saying, but no reason not to start

    bool operator==(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

/// "/etc/sluice.toml:3:12: drain.deadline: ..." - one line, no newline at its end.
std::string to_text(const Problem& problem);

/// True if any of them is more than a warning.
bool any_error(const Problems& problems);

} // namespace sluice::config
