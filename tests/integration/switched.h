#pragma once

#include <chrono>
#include <optional>

#include "reload_site.h"
#include "steady_load.h"

namespace tests {

/// Kills a master and its workers, so that it replaces none of them.
void kill_all_of(pid_t master);

/// A site right after the switch, with a request in flight in the old generation.
struct Switched {
    ReloadSite reload;
    ReloadSite::Footprint before;
    SteadyLoad load;
    std::optional<FastcgiRequest> slow;
    pid_t old = 0;
    pid_t live = 0;

    explicit Switched(bool by_path, std::chrono::milliseconds slow_for = std::chrono::seconds(1),
                      const std::string& settings = {});
};

} // namespace tests
