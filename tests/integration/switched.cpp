#include "switched.h"

#include <doctest/doctest.h>

#include <csignal>

#include "processes.h"

namespace tests {

void kill_all_of(pid_t master) {
    const auto all = children_of(master);
    ::kill(master, SIGSTOP); // or it would replace them
    for (const pid_t worker : all) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
}

Switched::Switched(bool by_path, std::chrono::milliseconds slow_for, const std::string& settings)
    : reload(by_path, {.sluice = settings}),
      before(reload.footprint_after_reload()),
      load(reload.site().place(), reload.folder().path("app/who.php")) {
    REQUIRE(load.meets("first"));
    slow.emplace(reload.site().in_flight(slow_for));
    REQUIRE(eventually([&] { return reload.masters().size() == 1; }));
    old = reload.masters().front();
    reload.publish({.name = "second", .sluice = settings});
    REQUIRE(reload.reload().status == 0);
    REQUIRE(load.meets("second"));
    live = reload.masters().back();
    REQUIRE(live != old);
}

} // namespace tests
