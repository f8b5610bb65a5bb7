#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "processes.h"
#include "served_site.h"

// reload.slots_dir: so many containers of a node reload at once.

namespace tests {

namespace {

// One slot. `gate`: the warm-up waits until the file "marks/go" is there.
std::string slots_in(const TempFolder& folder, bool gate = false) {
    std::string text = "[reload]\nslots_dir = \"" + folder.path() + "\"\nslots = 1\n";
    if (gate) text += "[[reload.warmup]]\nscript = \"@folder@/app/gate.php\"\ntimeout = \"1m\"\n";
    return text;
}

void write_gate(const ServedSite& site) {
    site.folder().write("app/gate.php",
                        "<?php while (!file_exists(__DIR__ . '/../marks/go')) { usleep(5000); "
                        "clearstatcache(); }\n");
}

} // namespace

TEST_CASE("the second waits for its turn, serves meanwhile, and goes on after the first") {
    const TempFolder slots;
    const ServedSite first({}, slots_in(slots, true));
    const ServedSite second({}, slots_in(slots));
    write_gate(first);
    Sluice one(first.launch());
    Sluice two(second.launch());
    REQUIRE(first.serves());
    REQUIRE(second.serves());
    one.signal(SIGHUP);
    REQUIRE(one.logs("generation 2 answers"));
    two.signal(SIGHUP);
    REQUIRE(two.logs("reload: waits for one of 1 slot in " + slots.path()));
    CHECK(second.answer("index.php") == "pong");
    CHECK(has_part(second.status(), "generation 1, live"));
    CHECK_FALSE(has_part(two.err(), "reload: checked"));
    first.folder().write("marks/go", "");
    CHECK(one.logs("generation 1 retired in"));
    CHECK(two.logs("generation 2 serves"));
    CHECK(two.logs("generation 1 retired in"));
    CHECK(occurrences(two.err(), "waits for one of") == 1);
    CHECK(first.reload() == 0); // and it is free again
    CHECK(one.stop() == 0);
    CHECK(two.stop() == 0);
}

TEST_CASE("a holder that is killed gives its slot back") {
    const TempFolder slots;
    const ServedSite first({}, slots_in(slots, true));
    const ServedSite second({}, slots_in(slots));
    write_gate(first);
    Sluice one(first.launch());
    Sluice two(second.launch());
    REQUIRE(first.serves());
    REQUIRE(second.serves());
    one.signal(SIGHUP);
    REQUIRE(one.logs("generation 2 answers"));
    two.signal(SIGHUP);
    REQUIRE(two.logs("reload: waits for one of"));
    one.signal(SIGKILL);
    CHECK(one.exit_status() == 1'000 + SIGKILL);
    CHECK(two.logs("generation 2 serves")); // though the first one's FPM lives on
    CHECK(two.stop() == 0);
}

TEST_CASE("a rollback gives the slot back, and so does a stop") {
    const TempFolder slots;
    const ServedSite first({}, slots_in(slots));
    const ServedSite second({}, slots_in(slots));
    Sluice one(first.launch());
    Sluice two(second.launch());
    REQUIRE(first.serves());
    REQUIRE(second.serves());
    first.append("[www]\nnonsense = 1\n");
    CHECK(first.reload() != 0);
    CHECK(has_part(one.err(), "nonsense"));
    CHECK(second.reload() == 0);
    REQUIRE(two.logs("generation 1 retired in"));
    SUBCASE("of the holder, during its reload") {
        first.configure(slots_in(slots, true));
        write_gate(first);
        first.change("nonsense = 1\n", "");
        one.signal(SIGHUP);
        REQUIRE(one.logs("generation 3 answers"));
        two.signal(SIGHUP);
        REQUIRE(two.logs("waits for one of"));
        CHECK(one.stop() == 0);
        CHECK(two.logs("generation 3 serves"));
    }
    SUBCASE("of the one that waits") {
        auto request = second.in_flight(2s);
        CHECK(second.reload() == 0); // holds the slot until the request is done
        first.change("nonsense = 1\n", "");
        one.signal(SIGHUP);
        REQUIRE(one.logs("waits for one of"));
        CHECK(one.stop() == 0);
        CHECK(second.is_whole(request.answer()));
    }
    CHECK(two.stop() == 0);
}

TEST_CASE("a folder that is missing is named, and the old generation goes on") {
    const ServedSite site({}, "[reload]\nslots_dir = \"@folder@/nowhere\"\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status != 0);
    CHECK(
        has_part(reply.out + reply.err, "cannot open the folder " + site.folder().path("nowhere")));
    CHECK(sluice.logs("reload rolled back"));
    CHECK(site.answer("index.php") == "pong");
    std::filesystem::create_directory(site.folder().path("nowhere"));
    CHECK(site.reload() == 0);
    CHECK(sluice.stop() == 0);
}

} // namespace tests
