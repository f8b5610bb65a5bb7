#include <doctest/doctest.h>

#include <fstream>

#include "processes.h"
#include "served_site.h"

// A pool that has grown hands its size on to its next generation.

namespace tests {

namespace {

// So many requests at once, so that the pool has a worker for each of them.
void grow(const ServedSite& site, int workers) {
    site.folder().write("app/held.php",
                        "<?php touch(__DIR__ . '/../marks/' . $_GET['mark']);\n"
                        "while (!file_exists(__DIR__ . '/../marks/go')) { usleep(5000); "
                        "clearstatcache(); }\necho 'done';\n");
    std::vector<FastcgiRequest> requests;
    for (int i = 0; i < workers; ++i) requests.push_back(site.executing("held.php"));
    site.folder().write("marks/go", "");
    for (auto& request : requests) CHECK(request.answer() == "done");
}

// Of the master that serves.
std::size_t workers_of(const ServedSite& site) {
    const pid_t master = site.master();
    std::size_t count = 0;
    for (const pid_t child : children_of(master)) {
        std::ifstream file("/proc/" + std::to_string(child) + "/cmdline");
        std::string title;
        std::getline(file, title, '\0');
        while (title.ends_with(' ')) title.pop_back();
        count += static_cast<std::size_t>(title.ends_with("pool www")); // not "www_status"
    }
    return count;
}

} // namespace

TEST_CASE("dynamic: as many as before, right after the switch") {
    const bool by_path = each_transport();
    const ServedSite site({.pool = "pm = dynamic\npm.max_children = 12\npm.start_servers = 1\n"
                                   "pm.min_spare_servers = 1\npm.max_spare_servers = 8\n",
                           .by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    grow(site, 8);
    const auto before = workers_of(site);
    REQUIRE(before >= 8);
    for (int reload = 1; reload <= 3; ++reload) {
        CHECK(site.reload() == 0);
        CHECK(eventually([&] { return workers_of(site) >= 8; }));
        CHECK(workers_of(site) <= 12);
        CHECK(sluice.logs("retired in", reload));
    }
    CHECK(sluice.stop() == 0);
}

TEST_CASE("dynamic: what is idle above pm.max_spare_servers is not handed on") {
    const ServedSite site({.pool = "pm = dynamic\npm.max_children = 12\npm.start_servers = 1\n"
                                   "pm.min_spare_servers = 1\npm.max_spare_servers = 2\n"});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    grow(site, 8);
    CHECK(site.reload() == 0);
    CHECK(workers_of(site) <= 4);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("ondemand: as many as before, right after the switch") {
    const bool by_path = each_transport();
    const ServedSite site(
        {.pool = "pm = ondemand\npm.max_children = 12\npm.process_idle_timeout = 60s\n",
         .by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    grow(site, 6);
    REQUIRE(workers_of(site) >= 6);
    for (int reload = 1; reload <= 3; ++reload) {
        CHECK(site.reload() == 0);
        CHECK(workers_of(site) >= 6);
        CHECK(workers_of(site) <= 12);
        CHECK(sluice.logs("retired in", reload));
    }
    CHECK(sluice.stop() == 0);
}

TEST_CASE("ondemand without a worker starts none") {
    const ServedSite site(
        {.pool = "pm = ondemand\npm.max_children = 4\npm.process_idle_timeout = 1s\n"});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(eventually([&] { return has_part(site.status(), ": 0 idle, 0 busy of at most 4"); }));
    CHECK(site.reload() == 0);
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.stop() == 0);
}

} // namespace tests
