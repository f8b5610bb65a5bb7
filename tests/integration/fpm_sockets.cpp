#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "fpm_site.h"
#include "isolation.h"
#include "processes.h"

// Which sockets sluice binds for FPM, and what becomes of them.

namespace tests {

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

// A pool of one worker. More than that is not needed to see who is served.
std::string pool(const std::string& name, const std::string& listen, const std::string& more = {}) {
    return "[" + name + "]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
           "\npm = static\npm.max_children = 1\n" + more + "\n";
}

// Every place is served, and what is in flight at the stop is answered at each.
void check_served_to_the_end(const FpmSite& site, Sluice& sluice,
                             const std::vector<Place>& places) {
    std::vector<FastcgiRequest> requests;
    for (const auto& place : places) {
        CAPTURE(place.text());
        REQUIRE(site.serves(place));
        requests.push_back(site.in_flight(300ms, place));
    }
    sluice.signal(SIGTERM);
    for (auto& request : requests) CHECK(FpmSite::is_whole(request.answer()));
    CHECK(sluice.exit_status() == 0);
    CHECK(contains(sluice.last_log_line(), "new connections refused"));
    for (const auto& place : places) CHECK(place.refusal() != 0);
}

// A socket at a path, which listens until it is closed and leaves its name behind.
Descriptor listen_at(const std::string& path) {
    Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(&address.sun_path[0], sizeof address.sun_path - 1);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(socket.get(), 1) == 0);
    return socket;
}

// Nothing was started: FPM has not even opened its log.
void check_refused(const FpmSite& site, Sluice& sluice, const std::string& address) {
    CHECK(sluice.exit_status() == 125);
    CHECK(contains(sluice.err(), address));
    CHECK(contains(sluice.err(), "another process already listens there"));
    CHECK_FALSE(contains(sluice.err(), "starts php-fpm"));
    CHECK_FALSE(contains(read_file(site.folder().path("marks/fpm.log")), "fpm is running"));
}

// The folder as the process sees it, and for as long as this is held.
Descriptor folder_of(pid_t pid, const std::string& folder) {
    const auto path = "/proc/" + std::to_string(pid) + "/root" + folder;
    return Descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

std::vector<std::string> names_in(const Descriptor& folder) {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd/" + std::to_string(folder.get()))) {
        names.push_back(entry.path().filename());
    }
    return names;
}

} // namespace

TEST_CASE("connections from before FPM is up wait and are answered") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.by_path = each_transport()});
    const auto slow = site.folder().write("bin/slow", "#!/bin/sh\nsleep 0.3\nexec \"$@\"\n", 0755);
    auto command = site.command();
    command.insert(command.begin(), slow);
    Sluice sluice({.command = command, .mode = mode});
    std::vector<FastcgiRequest> early;
    REQUIRE(eventually([&] {
        early.emplace_back(site.place(), site.folder().path("app/index.php"));
        if (!early.back().sent()) early.pop_back();
        return early.size() == 5;
    }));
    CHECK_FALSE(contains(sluice.err(), "answers after"));
    for (auto& request : early) CHECK(request.answer() == "pong");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("an address that somebody else has: its name, status 125, nothing is started") {
    const Mode mode = each_mode();
    const FpmSite site(FpmLines{.by_path = each_transport()});
    ChildProcess other({site.command({"-F"}), {}, {}});
    REQUIRE(site.serves());
    const auto log = site.folder().path("marks/fpm.log");
    std::filesystem::resize_file(log, 0);
    Sluice sluice({.command = site.command(), .mode = mode});
    check_refused(site, sluice,
                  site.fill_in(site.place().text().starts_with("/") ? "@folder@/marks/fpm.sock"
                                                                    : "127.0.0.1:@port@"));
    CHECK(site.serves());
}

TEST_CASE("pools of every kind are served until the end") {
    const int six = free_port();
    const int both = free_port();
    const int named = free_port();
    const FpmSite site(FpmLines{
        .more = pool("six", "[::1]:" + std::to_string(six)) + pool("both", std::to_string(both)) +
                pool("named", "localhost:" + std::to_string(named)) +
                pool("path", "@folder@/marks/path.sock",
                     "listen.owner = www-data\nlisten.group = daemon\nlisten.mode = 0620\n")});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    const auto path = site.folder().path("marks/path.sock");
    REQUIRE(site.serves(path));

    struct stat file {};

    REQUIRE(::stat(path.c_str(), &file) == 0);
    CHECK(file.st_uid == 33);
    CHECK(file.st_gid == 1);
    CHECK((file.st_mode & 07777) == 0620);
    CHECK(site.serves(Place(both)));
    check_served_to_the_end(
        site, sluice, {site.place(), {"::1", six}, {"::1", both}, {"127.0.0.1", named}, {path}});
    CHECK(::lstat(path.c_str(), &file) != 0);
}

TEST_CASE("nothing is left in the file system after a stop") {
    const FpmSite site(FpmLines{.by_path = true});
    Sluice sluice(
        {.command = site.command(), .mode = each_mode(), .before_exec = empty_scratch_folders});
    REQUIRE(site.serves());
    const auto run = folder_of(sluice.pid(), "/run");
    const auto shared = folder_of(sluice.pid(), "/dev/shm");
    // The folder of the status sockets and the control socket: it is the right place to look.
    CHECK(names_in(run).size() == 2);
    CHECK(sluice.stop() == 0);
    CHECK(names_in(run).empty());
    CHECK(names_in(shared).empty());
    CHECK_FALSE(site.folder().has("marks/fpm.sock"));
}

TEST_CASE("a socket file that nobody listens on is replaced") {
    const FpmSite site(FpmLines{.by_path = true});
    listen_at(site.folder().path("marks/fpm.sock"));
    REQUIRE(site.folder().has("marks/fpm.sock"));
    REQUIRE(site.place().refusal() == ECONNREFUSED);
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    check_served_to_the_end(site, sluice, {site.place()});
    CHECK_FALSE(site.folder().has("marks/fpm.sock"));
}

TEST_CASE("a socket with POSIX ACLs is left to FPM, which is said, and the others are not") {
    const FpmSite site(
        FpmLines{.more = pool("acl", "@folder@/marks/acl.sock", "listen.acl_users = www-data\n")});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves(site.folder().path("marks/acl.sock")));
    CHECK(contains(sluice.err(), "pool acl: listen = " + site.folder().path("marks/acl.sock") +
                                     " is left to FPM"));
    CHECK_FALSE(contains(sluice.err(), "pool www: listen = "));
    check_served_to_the_end(site, sluice, {site.place()});
    CHECK(site.place().refusal() == ECONNREFUSED);
}

TEST_CASE("the user's own status page, ping and status socket go on working") {
    const int status = free_port();
    const FpmSite site(FpmLines{.pool = "pm.status_path = /status\nping.path = /ping\n"
                                        "pm.status_listen = 127.0.0.1:" +
                                        std::to_string(status) + "\n"});
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    REQUIRE(site.serves());
    CHECK(sluice.logs("answers after"));
    const auto page = FastcgiRequest(status, "/status", "json", "/status").answer();
    CHECK(contains(page.value_or(""), "\"pool\":\"www\""));
    CHECK(FastcgiRequest(site.place(), "/ping", "", "/ping").answer() == "pong");
    check_served_to_the_end(site, sluice, {site.place()});
}

TEST_CASE("sockets are owned where FPM's log level keeps it from telling of them") {
    const FpmSite site("log_level = error");
    Sluice sluice({.command = site.command(), .mode = each_mode()});
    check_served_to_the_end(site, sluice, {site.place()});
}

} // namespace tests
