#include <doctest/doctest.h>

#include <csignal>
#include <vector>

#include "processes.h"
#include "switched.h"

// A generation that is being retired loses its master: its workers are let finish, during a stop as
// well. If all of it is lost, who waits in its queue is served all the same.

namespace tests {

TEST_CASE("a stop while orphans of the old generation are at work: they finish") {
    Switched at(each_transport(), 2s);
    ::kill(at.old, SIGKILL);
    REQUIRE(at.reload.sluice().logs("its workers finish what they have"));
    at.reload.sluice().signal(SIGTERM);
    CHECK(at.reload.sluice().exit_status() == 0);
    INFO(at.reload.sluice().err());
    CHECK(FpmSite::is_whole(at.slow->answer()));
    CHECK(at.load.end().lost == 0);
    CHECK(at.reload.left_behind() == "");
}

TEST_CASE("the old master is killed during a stop, while the live generation is at work") {
    Switched at(each_transport(), 2s);
    auto slow = at.reload.site().in_flight(1s);
    at.reload.sluice().signal(SIGTERM);
    REQUIRE(at.reload.sluice().logs("signal TERM"));
    ::kill(at.old, SIGKILL);
    CHECK(FpmSite::is_whole(slow.answer()));
    CHECK(FpmSite::is_whole(at.slow->answer()));
    CHECK(at.reload.sluice().exit_status() == 0);
    INFO(at.reload.sluice().err());
    CHECK(at.load.end().lost == 0);
    CHECK(at.reload.left_behind() == "");
}

TEST_CASE("the old master is killed during a stop, when the live generation has gone") {
    Switched at(each_transport(), 2s);
    ::kill(at.live, SIGKILL); // by a crash: a stop has it wait for the old one's connections
    at.reload.sluice().signal(SIGTERM);
    REQUIRE(at.reload.sluice().logs("signal TERM"));
    ::kill(at.old, SIGKILL);
    CHECK(FpmSite::is_whole(at.slow->answer()));
    at.reload.sluice().exit_status(); // the live master's, or of the run that was started for it
    INFO(at.reload.sluice().err());
    CHECK(at.load.end().lost == 0);
    CHECK(at.reload.left_behind() == "");
}

TEST_CASE("orphans of the old generation that do not finish are cut at the deadline, and counted") {
    Switched at(each_transport(), 100s, "[drain]\ndeadline = \"3s\"\nqueue = \"1s\"\n");
    ::kill(at.old, SIGKILL);
    REQUIRE(at.reload.sluice().logs("its workers finish what they have"));
    at.reload.sluice().signal(SIGTERM);
    CHECK_FALSE(at.slow->answer().has_value());
    at.reload.sluice().exit_status();
    const auto log = at.reload.sluice().err();
    INFO(log);
    CHECK(contains(log, "1 request cut"));
    CHECK(at.load.end().lost == 0);
    CHECK(at.reload.left_behind() == "");
}

namespace {

// Who waits in the queue of an old generation all of whose workers are at work.
struct WithQueue {
    ReloadSite reload;
    ReloadSite::Footprint before;
    std::vector<FastcgiRequest> slow;
    std::vector<FastcgiRequest> queued;
    pid_t old = 0;

    explicit WithQueue(bool by_path) : reload(by_path), before(reload.footprint_after_reload()) {
        for (int i = 0; i < 3; ++i) slow.push_back(reload.site().in_flight(100s));
        for (int i = 0; i < 5; ++i) {
            queued.emplace_back(reload.site().place(), reload.folder().path("app/who.php"));
        }
        old = reload.masters().front();
        reload.publish({.name = "second"});
        REQUIRE(reload.reload().status == 0);
        REQUIRE(contains(reload.status(), "retiring"));
    }

    // By its code, but perhaps with the php-fpm.conf of the second one.
    int answered() {
        int count = 0;
        for (auto& request : queued) count += request.answer() ? 1 : 0;
        return count;
    }
};

} // namespace

TEST_CASE(
    "after the switch all of the old generation is killed: who waits in its queue is served") {
    WithQueue at(each_transport());
    kill_all_of(at.old);
    const int answered = at.answered();
    INFO(at.reload.sluice().err());
    CHECK(answered == 5);
    CHECK(at.reload.is_down_to(at.before));
    CHECK(at.reload.reload().status == 0);
    CHECK(at.reload.sluice().stop() == 0);
    CHECK(at.reload.left_behind() == "");
}

TEST_CASE("the same, its master first and its workers a moment later") {
    WithQueue at(each_transport());
    const auto workers = children_of(at.old);
    ::kill(at.old, SIGKILL);
    REQUIRE(at.reload.sluice().logs("its workers finish what they have"));
    for (const pid_t worker : workers) ::kill(worker, SIGKILL);
    const int answered = at.answered();
    INFO(at.reload.sluice().err());
    CHECK(answered == 5);
    CHECK(at.reload.is_down_to(at.before));
    CHECK(at.reload.sluice().stop() == 0);
    CHECK(at.reload.left_behind() == "");
}

TEST_CASE("the same during a stop") {
    WithQueue at(each_transport());
    at.reload.sluice().signal(SIGTERM);
    REQUIRE(at.reload.sluice().logs("signal TERM"));
    kill_all_of(at.old);
    const int answered = at.answered();
    INFO(at.reload.sluice().err());
    CHECK(answered == 5);
    CHECK(at.reload.sluice().exit_status() == 0);
    CHECK(at.reload.left_behind() == "");
}

} // namespace tests
