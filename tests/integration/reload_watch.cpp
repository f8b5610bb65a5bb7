#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "processes.h"
#include "served_site.h"

// reload.watch and reload.splay.

namespace tests {

namespace {

namespace fs = std::filesystem;

// As releases are published: in one step.
void flip(const ServedSite& site, const std::string& to) {
    fs::create_directory_symlink(to, site.folder().path("releases/next"));
    fs::rename(site.folder().path("releases/next"), site.folder().path("releases/current"));
}

bool git(const std::string& folder, const std::vector<std::string>& words) {
    std::vector<std::string> command{"git",
                                     "-C",
                                     folder,
                                     "-c",
                                     "user.name=test",
                                     "-c",
                                     "user.email=test@example.org",
                                     "-c",
                                     "protocol.file.allow=always"};
    command.insert(command.end(), words.begin(), words.end());
    return ChildProcess({command, {{"GIT_CONFIG_GLOBAL", "/dev/null"}}, {}}).wait() == 0;
}

} // namespace

TEST_CASE("a symlink that is flipped") {
    const ServedSite site({}, "[reload]\nwatch = [\"@folder@/releases/current\"]\n"
                              "release = \"@folder@/releases/current\"\n");
    site.folder().write("releases/1/index.php", "<?php echo 'one';\n");
    site.folder().write("releases/2/index.php", "<?php echo 'two';\n");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("reload.watch: watching the symlink " +
                        site.folder().path("releases/current")));
    REQUIRE(
        eventually([&] { return FastcgiRequest(site.place(), "index.php").answer() == "one"; }));
    flip(site, "2");
    CHECK(sluice.logs("asked for by a change of " + site.folder().path("releases/current")));
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(FastcgiRequest(site.place(), "index.php").answer() == "two");
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a file that is written last: many events, one reload") {
    const ServedSite site({}, "reload.watch = [\"@folder@/app/VERSION\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("reload.watch: watching"));
    site.folder().write("app/other.php", "x"); // beside it
    for (int i = 0; i < 50; ++i) site.folder().write("app/VERSION", std::to_string(i));
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(occurrences(sluice.err(), "asked for by a change of") == 1);
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 3"));
}

TEST_CASE("git pull") {
    const ServedSite site({}, "reload.watch = [\"@folder@/clone\"]\n");
    const auto folder = [&](const std::string& name) { return site.folder().path(name); };
    site.folder().write("origin/code.php", "<?php echo 'one';\n");
    REQUIRE(git(folder("origin"), {"init", "-q"}));
    REQUIRE(git(folder("origin"), {"add", "--all"}));
    REQUIRE(git(folder("origin"), {"commit", "-qm", "one"}));
    REQUIRE(git(folder(""), {"clone", "-q", folder("origin"), folder("clone")}));
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("reload.watch: watching"));
    site.folder().write("origin/code.php", "<?php echo 'two';\n");
    for (int i = 0; i < 100; ++i) {
        site.folder().write("origin/src/" + std::to_string(i) + ".php", "x");
    }
    REQUIRE(git(folder("origin"), {"add", "--all"}));
    REQUIRE(git(folder("origin"), {"commit", "-qm", "two"}));
    REQUIRE(git(folder("clone"), {"pull", "-q"}));
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(FastcgiRequest(site.place(), folder("clone/code.php")).answer() == "two");
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(occurrences(sluice.err(), "asked for by a change of") == 1);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a change during a reload is the next one's") {
    const ServedSite site({}, "reload.watch = [\"@folder@/app/VERSION\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("reload.watch: watching"));
    auto request = site.in_flight(3s); // holds generation 1
    CHECK(site.reload() == 0);
    site.folder().write("app/VERSION", "2");
    CHECK(sluice.logs("reload: begins when the generation before has gone"));
    CHECK_FALSE(has_part(sluice.err(), "generation 3"));
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 3 serves"));
    CHECK(sluice.logs("generation 2 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("changes that go on are one reload in ten seconds, however many they are") {
    const ServedSite site({}, "reload.watch = [\"@folder@/app/VERSION\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("reload.watch: watching"));
    site.folder().write("app/VERSION", "1");
    REQUIRE(sluice.logs("generation 1 retired in"));
    site.folder().write("app/VERSION", "2");
    REQUIRE(sluice.logs("generation 3 begins in "));
    CHECK(has_part(sluice.err(), "(at least 10 s between two that reload.watch begins)"));
    CHECK(has_part(site.status(), ", delayed, asked for"));
    for (int more = 1; more <= 4; ++more) {
        site.folder().write("app/VERSION", "more");
        REQUIRE(sluice.logs("reload: one is about to begin, this is the same", more));
    }
    REQUIRE(sluice.logs("generation 2 retired in"));
    site.folder().write("app/VERSION", "3"); // waits no longer for those that were merged
    CHECK(sluice.logs("generation 4 serves"));
    CHECK(sluice.logs("generation 3 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("what is watched is the new file's after the switch") {
    const ServedSite site({}, "reload.watch = [\"@folder@/app/one\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("watching " + site.folder().path("app/one")));
    site.configure("reload.watch = [\"@folder@/app/two\"]\n");
    CHECK(site.reload() == 0);
    REQUIRE(sluice.logs("watching " + site.folder().path("app/two")));
    REQUIRE(sluice.logs("generation 1 retired in"));
    site.folder().write("app/one", "x");
    site.folder().write("app/two", "x");
    CHECK(sluice.logs("asked for by a change of " + site.folder().path("app/two")));
    CHECK(sluice.logs("generation 2 retired in"));
    CHECK_FALSE(has_part(sluice.err(), "a change of " + site.folder().path("app/one")));
    site.configure("");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 3 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("the splay delays signals and changes, and the client ends it") {
    const ServedSite site({}, "[reload]\nsplay = \"1h\"\nwatch = [\"@folder@/app/VERSION\"]\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(sluice.logs("answers after"));
    REQUIRE(sluice.logs("reload.watch: watching"));
    std::string by;
    SUBCASE("a signal") {
        sluice.signal(SIGHUP);
        by = "signal HUP from pid";
    }
    SUBCASE("a change") {
        site.folder().write("app/VERSION", "2");
        by = "a change of";
    }
    REQUIRE(sluice.logs("reload: asked for by " + by));
    REQUIRE(sluice.logs("(reload.splay)"));
    CHECK(site.answer("index.php") == "pong");
    CHECK(has_part(site.status(), "generation 1, live"));
    CHECK(site.reload() == 0); // the same reload, at once
    CHECK(sluice.logs("generation 2 serves"));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(site.reload() == 0);
    CHECK_FALSE(has_part(sluice.err(), "generation 3 begins in"));
    CHECK(sluice.logs("generation 2 retired in"));
    sluice.signal(SIGHUP);
    REQUIRE(sluice.logs("generation 4 begins in"));
    CHECK(sluice.stop() == 0); // a stop does not wait for it
}

} // namespace tests
