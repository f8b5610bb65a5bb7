#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <sstream>

#include "processes.h"
#include "served_site.h"

// A changed php-fpm.conf.

namespace tests {

namespace {

struct stat stat_of(const std::string& path) {
    struct stat status {};

    CHECK(::stat(path.c_str(), &status) == 0);
    return status;
}

// The accept queue's size of whoever listens there (a unix socket: where its name begins so), as ss
// tells it; 0: nobody does.
int backlog_of(const std::string& address) {
    ChildProcess ss({{"ss", "-Hln", address.starts_with('/') ? "-x" : "-t"}, {}, {}});
    ss.wait();
    for (const auto& line : lines_of(ss.out())) {
        if (!has_part(line, " " + address)) continue;
        std::istringstream words(line);
        std::string word;
        if (address.starts_with('/')) words >> word; // the kind of socket
        int size = 0;
        words >> word >> size >> size;
        return size;
    }
    return 0;
}

// A client from another address of this machine: FPM takes the connection and closes it.
bool keeps_out(int port, const std::string& from) {
    const auto at = [](const std::string& host, int number) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<in_port_t>(number));
        ::inet_pton(AF_INET, host.c_str(), &address.sin_addr);
        return address;
    };
    const Descriptor client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto own = at(from, 0);
    REQUIRE(::bind(client.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
    const auto there = at("127.0.0.1", port);
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0);
    pollfd source{client.get(), POLLIN, 0};
    return ::poll(&source, 1, 5'000) == 1;
}

struct Second {
    Second(const ServedSite& site, bool by_path)
        : port(free_port()),
          listen(by_path ? site.folder().path("marks/second.sock")
                         : "127.0.0.1:" + std::to_string(port)),
          place(by_path ? Place(listen) : Place(port)) {}

    int port;
    std::string listen;
    Place place;
};

} // namespace

TEST_CASE("a new pool is bound and serves; it listens before the switch") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const Second second(site, by_path);
    REQUIRE(second.place.refusal() != 0);
    site.append(pool_on("second", second.listen));
    // A check that waits keeps the reload from going on: nothing has been bound by then.
    site.configure("[[reload.warmup]]\npool = \"www\"\nscript = \"@folder@/app/gate.php\"\n");
    site.folder().write("app/gate.php",
                        "<?php touch(__DIR__ . '/../marks/warming');\n"
                        "while (!file_exists(__DIR__ . '/../marks/go')) { usleep(5000); "
                        "clearstatcache(); }\n");
    sluice.signal(SIGHUP);
    REQUIRE(eventually([&] { return site.folder().has("marks/warming"); }));
    FastcgiRequest early(second.place, site.folder().path("app/who.php"));
    CHECK(early.sent());
    CHECK_FALSE(has_part(sluice.err(), "reload: done"));
    site.folder().write("marks/go", "");
    CHECK(sluice.logs("reload: done in"));
    const auto answer = early.answer();
    CHECK(answer.value_or("") == std::to_string(site.master()));
    CHECK(site.master(second.place) == site.master());
    CHECK(has_part(site.status(), "pool second on " + second.listen));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(site.reload() == 0); // as a pool like any other
    CHECK(site.master(second.place) == site.master());
    CHECK(sluice.stop() == 0);
    CHECK(second.place.refusal() != 0);
}

TEST_CASE("a removed pool: who is there is answered, afterwards nobody listens") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    const Second second(site, by_path);
    const auto lines = pool_on("second", second.listen);
    site.append(lines);
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(site.serves(second.place));
    const auto old_master = std::to_string(site.master(second.place));
    auto request = site.in_flight(1s, second.place);
    FastcgiRequest queued(second.place, site.folder().path("app/who.php"));
    REQUIRE(queued.sent());
    site.change(lines, "");
    CHECK(site.reload() == 0);
    CHECK(second.place.refusal() == (by_path ? ENOENT : ECONNREFUSED));
    CHECK(site.is_whole(request.answer()));
    CHECK(queued.answer().value_or("lost") == old_master);
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    CHECK(second.place.refusal() == (by_path ? ENOENT : ECONNREFUSED));
    CHECK(site.answer("index.php") == "pong");
    CHECK_FALSE(has_part(site.status(), "pool second"));
    site.append(lines); // and it may come back
    CHECK(site.reload() == 0);
    CHECK(site.master(second.place) == site.master());
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a pool added and another removed in one reload; the rest in another order") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    const Second first(site, by_path);
    const Place third_place(free_port());
    const auto third = third_place.text().substr(third_place.text().find(' ') + 1);
    const Place last_place(free_port());
    const auto last = last_place.text().substr(last_place.text().find(' ') + 1);
    const auto removed = pool_on("removed", first.listen);
    const auto stays = pool_on("stays", "127.0.0.1:" + third);
    site.append(removed + stays);
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(site.serves(first.place));
    REQUIRE(site.serves(third_place));
    site.change(removed + stays, "");
    const auto www = read_file(site.config());
    const auto global = www.substr(0, www.find("[www]"));
    site.folder().write("php-fpm.conf", global + stays + pool_on("new", "127.0.0.1:" + last) +
                                            www.substr(www.find("[www]")));
    auto request = site.in_flight(700ms, first.place);
    auto other = site.in_flight(700ms, third_place);
    INFO("LOG ", sluice.err());
    CHECK(site.reload() == 0);
    const auto master = site.master();
    CHECK(master != 0);
    CHECK(site.master(third_place) == master);
    CHECK(site.master(last_place) == master);
    CHECK(first.place.refusal() != 0);
    CHECK(site.is_whole(request.answer()));
    CHECK(site.is_whole(other.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("another listen for the same pool") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const Second second(site, !by_path);
    auto request = site.in_flight(700ms);
    site.change("[www]", "[www]\n; another\n");
    site.append("[www]\nlisten = " + second.listen + "\n");
    CHECK(site.reload() == 0);
    CHECK(site.master(second.place) != 0);
    CHECK(site.place().refusal() != 0);
    CHECK(site.is_whole(request.answer()));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("owner, group and mode of a socket are the new ones after the switch") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a socket for somebody else needs root");
        return;
    }
    const ServedSite site(
        {.pool = "listen.owner = www-data\nlisten.mode = 0660\n", .by_path = true});
    const auto path = site.folder().path("marks/fpm.sock");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto before = stat_of(path);
    CHECK(before.st_uid == 33);
    CHECK((before.st_mode & 0777) == 0660);
    site.change("listen.owner = www-data\nlisten.mode = 0660\n",
                "listen.owner = nobody\nlisten.group = www-data\nlisten.mode = 0606\n");
    CHECK(site.reload() == 0);
    const auto after = stat_of(path);
    CHECK(after.st_uid == 65534);
    CHECK(after.st_gid == 33);
    CHECK((after.st_mode & 0777) == 0606);
    CHECK(after.st_ino != before.st_ino);
    CHECK(site.answer("index.php") == "pong");
    site.change("listen.owner = nobody\nlisten.group = www-data\nlisten.mode = 0606\n", "");
    CHECK(site.reload() == 0);
    CHECK(stat_of(path).st_uid == 0);
    CHECK(sluice.stop() == 0);
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("another backlog") {
    const bool by_path = each_transport();
    const ServedSite site({.pool = "listen.backlog = 17\n", .by_path = by_path});
    // A socket that was switched in keeps the name it was bound to.
    const auto address =
        by_path ? site.folder().path("marks/") : "127.0.0.1:" + std::to_string(site.port());
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    REQUIRE(backlog_of(address) == 17);
    site.change("listen.backlog = 17", "listen.backlog = 23");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("retired in"));
    CHECK(eventually([&] { return backlog_of(address) == 23; }));
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("another name for the pool, more workers, another pm") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(has_part(site.status(), "pool www on "));
    site.change("[www]", "[other]");
    site.change("pm.max_children = 3", "pm.max_children = 5");
    CHECK(site.reload() == 0);
    CHECK(eventually([&] { return has_part(site.status(), "5 idle, 0 busy of at most 5"); }));
    CHECK(has_part(site.status(), "pool other on "));
    CHECK_FALSE(has_part(site.status(), "pool www"));
    CHECK(sluice.logs("retired in"));
    site.change("pm = static", "pm = ondemand");
    CHECK(site.reload() == 0);
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.logs("retired in", 2));
    site.change("pm = ondemand", "pm = dynamic\npm.start_servers = 2\npm.min_spare_servers = 1\n"
                                 "pm.max_spare_servers = 3");
    CHECK(site.reload() == 0);
    CHECK(site.answer("index.php") == "pong");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("env[] and clear_env are the new ones") {
    const ServedSite site({.pool = "env[WHICH] = \"first\"\n"});
    site.folder().write("app/env.php", "<?php echo getenv('WHICH'), '/', getenv('OUTER');\n");
    auto launch = site.launch();
    launch.environment = {{"OUTER", "from outside"}};
    Sluice sluice(launch);
    REQUIRE(site.serves());
    CHECK(site.answer("env.php") == "first/");
    site.change("env[WHICH] = \"first\"", "env[WHICH] = \"a \\\"second\\\", $OUTER\"");
    site.append("[www]\nclear_env = no\n");
    CHECK(site.reload() == 0);
    CHECK(has_part(site.answer("env.php"), "/from outside"));
    CHECK(has_part(site.answer("env.php"), "second"));
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "second\\"));
}

TEST_CASE("a pool's own ping path and answer") {
    const bool by_path = each_transport();
    const ServedSite site(
        {.pool = "ping.path = /alive\nping.response = here I am\n", .by_path = by_path});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(site.reload() == 0);
    CHECK(FastcgiRequest(site.place(), "/alive", "", "/alive").answer() == "here I am");
    site.change("ping.response = here I am", "ping.response = again");
    site.change("/alive", "/other");
    CHECK(site.reload() == 0);
    CHECK(FastcgiRequest(site.place(), "/other", "", "/other").answer() == "again");
    CHECK(sluice.stop() == 0);
}

// sluice comes from 127.0.0.1, too, and so that address is let in from the first reload on.
TEST_CASE("allowed clients: the warm-up gets in, users as before") {
    std::string clients;
    SUBCASE("from this machine") {
        clients = "127.0.0.1";
    }
    SUBCASE("from another one only") {
        clients = "192.0.2.7";
    }
    const ServedSite site({.pool = "listen.allowed_clients = " + clients + "\n"},
                          "[[reload.warmup]]\nscript = \"@folder@/app/warm.php\"\n");
    site.folder().write("app/warm.php",
                        "<?php touch(__DIR__ . '/../marks/warmed'); echo 'warm';\n");
    Sluice sluice(site.launch());
    REQUIRE(sluice.logs("answers after"));
    CHECK((site.answer("index.php") == "pong") == (clients == "127.0.0.1"));
    CHECK(keeps_out(site.port(), "127.0.0.2"));
    CHECK(site.reload() == 0);
    CHECK(site.folder().has("marks/warmed"));
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(site.answer("index.php") == "pong");
    CHECK(keeps_out(site.port(), "127.0.0.2"));
    CHECK(site.reload() == 0);
    CHECK(keeps_out(site.port(), "127.0.0.2"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("the user's own pm.status_listen answers for the live generation") {
    const bool by_path = each_transport();
    const ServedSite site({.by_path = by_path});
    const Second status(site, by_path);
    site.append("[www]\npm.status_path = /how\npm.status_listen = " + status.listen + "\n");
    const Second other(site, !by_path);
    site.append(pool_on("second", other.listen));
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto page = [&] {
        return FastcgiRequest(status.place, "/how", "full", "/how").answer().value_or("");
    };
    REQUIRE(has_part(page(), "pool:                 www"));
    for (int reload = 0; reload < 3; ++reload) {
        auto request = site.in_flight(300ms);
        CHECK(site.reload() == 0);
        const auto master = site.master();
        const auto told = page();
        const auto at = told.find("pid:");
        REQUIRE(at != std::string::npos);
        const auto worker = std::stoi(told.substr(at + 4));
        CHECK(eventually([&] {
            const auto state = state_of(worker);
            return state && state->parent == master;
        }));
        CHECK(site.is_whole(request.answer()));
        CHECK(sluice.logs("retired in", reload + 1));
        CHECK(has_part(sluice.last_log_line(), "0 requests cut"));
    }
    site.change("pm.status_listen = " + status.listen, "");
    CHECK(site.reload() == 0);
    CHECK(status.place.refusal() != 0);
    CHECK(has_part(site.status(), "generation 5, live"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("sockets with POSIX ACLs are FPM's, and so is the reload") {
    const ServedSite site({.pool = "listen.acl_users = www-data\n", .by_path = true});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(has_part(sluice.err(), "sluice sets no POSIX ACLs"));
    CHECK(has_part(sluice.err(), "a reload is FPM's own (USR2)"));
    const auto master = site.master();
    site.folder().write("app/index.php", "<?php echo 'new';\n");
    CHECK(site.ask({"reload"}).status == 0);
    CHECK(sluice.logs("signal USR2 to php-fpm8.2"));
    CHECK(eventually([&] { return site.answer("index.php") == "new"; }));
    CHECK(site.master() == master);
    CHECK(sluice.stop() == 0);
}

} // namespace tests
