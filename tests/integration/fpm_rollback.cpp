#include <doctest/doctest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sys/mount.h>

#include "isolation.h"
#include "processes.h"
#include "reload_site.h"
#include "steady_load.h"

// A reload that fails: the generation before serves on, the reason is told, nothing is left of it,
// and the next reload works.

namespace tests {

namespace {

// One way in which a next generation can be wrong.
struct Cause {
    std::string name;
    Release release;
    std::vector<std::string> says; // in the log, and to who waits
    std::string wrapper = {};      // what starts FPM
    std::string wrote = {};        // the generation's last words, in `sluice status`
    std::function<void(ReloadSite&)> meanwhile = {}; // while the reload is under way
};

std::string new_pool(const std::string& listen, int workers = 1) {
    return "[api]\nuser = www-data\ngroup = www-data\nlisten = " + listen +
           "\npm = static\npm.max_children = " + std::to_string(workers) + "\n";
}

void none_lost(const SteadyLoad::Tally& tally) {
    CHECK(tally.lost == 0);
    CHECK(tally.refused == 0);
    CHECK_FALSE(tally.met("bad"));
}

// The log from here on.
std::string since(ReloadSite& reload, std::size_t from) {
    return reload.sluice().err().substr(from);
}

void fails(ReloadSite& reload, const Cause& cause, SteadyLoad& load, const std::string& live) {
    const auto begin = reload.sluice().err().size();
    reload.publish(cause.release);
    reload.start_fpm_after(cause.wrapper);
    const auto waits = reload.client({"reload", "--wait"});
    if (cause.meanwhile) cause.meanwhile(reload);
    const auto told = ReloadSite::end_of(*waits);
    CHECK(told.status == 1);
    CHECK(eventually([&] { return contains(since(reload, begin), "goes on serving"); }));
    const auto log = since(reload, begin);
    INFO(log);
    INFO(told.text);
    CHECK(contains(log, "reload rolled back after "));
    const auto status = reload.status();
    INFO(status);
    CHECK(contains(status, "ROLLED BACK"));
    for (const auto& words : cause.says) {
        CAPTURE(words);
        CHECK((contains(log, words) && contains(told.text, words) && contains(status, words)));
    }
    if (!cause.wrote.empty()) {
        CHECK(contains(status, "the failed generation's last lines"));
        CHECK(contains(status, cause.wrote));
    }
    CHECK(load.meets(live));
}

void works(ReloadSite& reload, const std::string& name, SteadyLoad& load) {
    reload.start_fpm_after("");
    reload.publish({.name = name});
    const auto told = reload.reload();
    INFO(told.text);
    CHECK(told.status == 0);
    CHECK(load.meets(name));
}

// One after another under one load, so that what one of them leaves behind adds up.
void each_fails(ReloadSite& reload, const std::vector<Cause>& causes) {
    SteadyLoad load(reload.site().place(), reload.folder().path("app/who.php"));
    works(reload, "zeroth", load);
    std::string live = "zeroth";
    reload.status();
    const auto before = reload.footprint();
    int number = 0;
    for (auto cause : causes) {
        CAPTURE(cause.name);
        cause.release.name = "bad";
        fails(reload, cause, load, live);
        CHECK_MESSAGE(reload.is_down_to(before),
                      "before: " << before.text() << "; now: " << reload.footprint().text());
        live = "good" + std::to_string(++number);
        works(reload, live, load);
        CHECK_MESSAGE(reload.is_down_to(before),
                      "before: " << before.text() << "; now: " << reload.footprint().text());
        none_lost(load.so_far());
    }
    none_lost(load.end());
    CHECK(reload.sluice().stop() == 0);
    CHECK(reload.left_behind() == "");
}

} // namespace

TEST_CASE("rollback: a configuration that is refused") {
    ReloadSite reload(each_transport());
    each_fails(
        reload,
        {
            {"sluice.toml: syntax", {.sluice = "[reload\n"}, {"sluice.toml:3:"}},
            {"an unknown key",
             {.sluice = "[reload]\nredy = \"1s\"\n"},
             {"reload.redy", "reload.ready"}},
            {"a value",
             {.sluice = "[reload]\nready = \"soon\"\n"},
             {"reload.ready", "\"soon\"", "from \"1ms\" to"}},
            {"php-fpm.conf", {.fpm = "nonsense = 1\n"}, {"exited with status 78", "nonsense"}},
            {"a user that has vanished",
             {.fpm = "user = nobody-of-this-name\n"},
             {"exited with status 78", "nobody-of-this-name"}},
            {"a release that leads nowhere",
             {.sluice = "[reload]\nrelease = \"@folder@/current\"\n"},
             {"reload.release", "/current", "make it a symlink"}},
        });
}

TEST_CASE("rollback: reload.check") {
    ReloadSite reload(each_transport());
    each_fails(reload, {
                           {"it fails",
                            {.sluice = "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"echo the "
                                       "schema is old >&2; exit 3\"]\n"},
                            {"reload.check[1]", "exited with status 3", "the schema is old"}},
                           {"the second one fails",
                            {.sluice = "[[reload.check]]\ncommand = [\"true\"]\n"
                                       "[[reload.check]]\ncommand = [\"false\"]\n"},
                            {"reload.check[2] (false)", "exited with status 1"}},
                           {"there is none",
                            {.sluice = "[[reload.check]]\ncommand = [\"/nonexistent/check\"]\n"},
                            {"reload.check[1]", "/nonexistent/check", "No such file"}},
                           {"it does not end, nor do its children",
                            {.sluice = "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"trap '' "
                                       "TERM; sleep 300; true\"]\ntimeout = \"300ms\"\n"},
                            {"reload.check[1]", "did not end within 300 ms"}},
                           {"it dies of a signal",
                            {.sluice = "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"kill -9 "
                                       "$$\"]\n"},
                            {"reload.check[1]", "signal KILL"}},
                       });
}

namespace {

/// A cgroup that has so many processes at most.
class ProcessLimit {
  public:
    explicit ProcessLimit(int most)
        : folder_("/sys/fs/cgroup/pids/sluice-test-" + std::to_string(::getpid())) {
        std::error_code refused;
        std::filesystem::create_directory(folder_, refused);
        std::ofstream(folder_ / "pids.max") << most << std::flush;
    }

    ~ProcessLimit() {
        eventually([&] { return ::rmdir(folder_.c_str()) == 0 || errno != EBUSY; });
    }

    ProcessLimit(const ProcessLimit&) = delete;
    ProcessLimit& operator=(const ProcessLimit&) = delete;

    bool usable() const { return std::filesystem::exists(folder_ / "pids.max"); }

    std::string enter() const { return "echo $$ > " + folder_.string() + "/cgroup.procs"; }

  private:
    std::filesystem::path folder_;
};

} // namespace

// Its first workers answer meanwhile.
TEST_CASE("rollback: FPM cannot start all of its workers") {
    const ProcessLimit limit(7); // the master, and six of eight
    if (!limit.usable()) {
        MESSAGE("skipped: no pids cgroup (version 1) can be made here");
        return;
    }
    const Cause cause{.name = "a limit of processes",
                      .release = {.fpm = "pm.max_children = 8\n"},
                      .says = {"exited with status 0", "cannot start all of its workers"},
                      .wrapper = limit.enter()};
    ReloadSite reload(each_transport());
    each_fails(reload, {cause, cause, cause});
}

TEST_CASE("rollback: FPM does not start") {
    ReloadSite reload(each_transport());
    each_fails(reload, {
                           {.name = "a pid file that cannot be written, which -t does not see",
                            .release = {.fpm = "[global]\npid = @folder@/nowhere/fpm.pid\n"},
                            .says = {"exited with status 78", "see what it wrote"},
                            .wrote = "Unable to create the PID file"},
                           {.name = "a limit that the kernel does not give",
                            .release = {.fpm = "[global]\nrlimit_files = 2000000000\n"},
                            .says = {"before it had proved itself", "see what it wrote"},
                            .wrote = "rlimit_files"},
                           {.name = "an entrypoint that fails",
                            .release = {},
                            .says = {"exited with status 3", "see what it wrote"},
                            .wrapper = "echo no licence was found >&2; exit 3",
                            .wrote = "no licence was found"},
                           {.name = "an entrypoint that is no program",
                            .release = {},
                            .says = {"exited with status 127"},
                            .wrapper = "exec /nonexistent/program",
                            .wrote = "/nonexistent/program"},
                       });
}

TEST_CASE("rollback: FPM does not answer") {
    ReloadSite reload(each_transport());
    const std::string half_a_second = "[reload]\nready = \"500ms\"\n";
    each_fails(reload, {
                           {.name = "process.max leaves a pool without a worker",
                            .release = {.sluice = half_a_second,
                                        .fpm = "pm.max_children = 50\n[global]\nprocess.max = 3\n" +
                                               new_pool("@folder@/marks/api.sock", 50)},
                            .says = {"did not answer within 500 ms (reload.ready)", "pool "}},
                           {.name = "workers that cannot accept, and end at once",
                            .release = {.sluice = half_a_second, .fpm = "rlimit_files = 4\n"},
                            .says = {"did not answer within 500 ms (reload.ready)", "pool www"}},
                           {.name = "an entrypoint that never comes to FPM",
                            .release = {.sluice = half_a_second},
                            .says = {"did not answer within 500 ms (reload.ready)", "pool www"},
                            .wrapper = "echo waiting for the database >&2; sleep 300",
                            .wrote = "waiting for the database"},
                           {.name = "its master is suspended",
                            .release = {.sluice = half_a_second},
                            .says = {"did not answer within 500 ms (reload.ready)", "pool www"},
                            .wrapper = "kill -STOP $$"},
                       });
}

TEST_CASE("rollback: the warm-up fails") {
    ReloadSite reload(each_transport());
    reload.folder().write("app/broken.php", "<?php http_response_code(503); echo 'no database';\n");
    reload.folder().write("app/fatal.php", "<?php nothing_of_this_name();\n");
    reload.folder().write(
        "app/hungry.php",
        "<?php ini_set('memory_limit', '4M'); $all = str_repeat('x', 1 << 24);\n");
    reload.folder().write("app/dies.php", "<?php posix_kill(posix_getpid(), 9);\n");
    const auto warmup = [](const std::string& script, const std::string& more = {}) {
        return Release{.sluice =
                           "[[reload.warmup]]\nscript = \"@folder@/app/" + script + "\"\n" + more};
    };
    each_fails(
        reload,
        {
            {"a wrong status", warmup("broken.php"), {"broken.php", "503", "no database"}},
            {"a wrong text", warmup("who.php", "text = \"welcome\"\n"), {"who.php", "welcome"}},
            {"too late",
             warmup("slow.php", "uri = \"/slow.php?ms=60000&mark=late\"\ntimeout = "
                                "\"300ms\"\n"),
             {"slow.php", "300 ms"}},
            {"a fatal error", warmup("fatal.php"), {"fatal.php", "500"}},
            {"out of memory", warmup("hungry.php"), {"hungry.php", "500"}},
            {"its worker dies", warmup("dies.php"), {"dies.php"}},
            {"no such script", warmup("missing.php"), {"missing.php", "404"}},
            {"the last of many",
             {.sluice = "[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\ncount = 20\n"
                        "concurrency = 4\n[[reload.warmup]]\nscript = "
                        "\"@folder@/app/broken.php\"\ncount = 8\nconcurrency = 4\n"},
             {"broken.php", "503"}},
            {"no such pool",
             warmup("who.php", "pool = \"api\"\n"),
             {"there is no pool api", "www"}},
        });
}

namespace {

// Somebody who listens there.
Descriptor taken(const Place& place) {
    auto listener = place.listen();
    REQUIRE(listener.get() >= 0);
    return listener;
}

} // namespace

TEST_CASE("rollback: the place of a new pool is taken") {
    ReloadSite reload(each_transport());
    const auto& marks = reload.folder().path("marks");
    const int port = free_port();
    const auto on_port = taken(Place(port));
    const auto on_path = taken(Place(marks + "/taken.sock"));
    reload.folder().write("marks/notes.txt", "not a socket");
    each_fails(reload,
               {
                   {"a port",
                    {.fpm = new_pool("127.0.0.1:" + std::to_string(port))},
                    {"pool api", "127.0.0.1:" + std::to_string(port)}},
                   {"a path", {.fpm = new_pool(marks + "/taken.sock")}, {"pool api", "taken.sock"}},
                   {"a path where a file is",
                    {.fpm = new_pool(marks + "/notes.txt")},
                    {"pool api", "notes.txt"}},
                   {"a folder that is not there",
                    {.fpm = new_pool(marks + "/nowhere/api.sock")},
                    {"pool api", "/nowhere/api.sock"}},
               });
    CHECK(read_file(marks + "/notes.txt") == "not a socket");
    CHECK(Place(marks + "/taken.sock").refusal() == 0);
}

TEST_CASE("rollback: a listener of its own cannot be had, which is no reason to share one") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: taking rights away needs root");
        return;
    }
    ReloadSite reload(true, {}, {.under = {"setpriv", "--bounding-set", "-chown"}});
    const std::string warmup = "[[reload.warmup]]\nscript = \"@folder@/app/who.php\"\n";
    each_fails(reload, {
                           {"a group that it may not give",
                            {.sluice = warmup, .fpm = "listen.group = games\n"},
                            {"pool www", "listen.group", "CAP_CHOWN"}},
                           {"the same without a warm-up",
                            {.fpm = "listen.group = games\n"},
                            {"pool www", "listen.group", "CAP_CHOWN"}},
                       });
}

TEST_CASE("rollback: an address that overlaps one that is served") {
    ReloadSite reload(false);
    const auto port = reload.site().fill_in("@port@");
    const auto served = "overlaps 127.0.0.1:" + port + ", which is served, for pool www";
    each_fails(
        reload,
        {
            {"all of IPv4",
             {.fpm = "listen = 0.0.0.0:" + port + "\n"},
             {served, "restart the container"}},
            {"everything", {.fpm = "listen = " + port + "\n"}, {served, "restart the container"}},
        });
}

namespace {

bool has_mark(const ReloadSite& reload, const std::string& name) {
    return eventually([&] { return reload.folder().has("marks/" + name); });
}

// Of a generation that is not live yet.
pid_t next_master(ReloadSite& reload) {
    std::vector<pid_t> masters;
    const bool two = eventually([&] {
        masters = reload.masters();
        return masters.size() == 2 && !children_of(masters.back()).empty();
    });
    REQUIRE(two);
    return masters.back();
}

void kill_with_workers(pid_t master) {
    ::kill(master, SIGSTOP); // or it would replace them
    for (const pid_t worker : children_of(master)) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
}

} // namespace

TEST_CASE("rollback: the next generation is killed") {
    ReloadSite reload(each_transport());
    const auto warm = [](const std::string& mark) {
        return Release{.sluice = "[[reload.warmup]]\nscript = \"@folder@/app/slow.php\"\nuri = "
                                 "\"/slow.php?ms=60000&mark=" +
                                 mark + "\"\ntimeout = \"60s\"\ncount = 2\nconcurrency = 2\n"};
    };
    const std::vector<std::string> says{"was ended by signal KILL before it had proved itself"};
    each_fails(reload,
               {
                   {.name = "while its entrypoint is at work",
                    .says = says,
                    .wrapper = "touch @folder@/marks/boots; sleep 300",
                    .meanwhile =
                        [](ReloadSite& site) {
                            REQUIRE(has_mark(site, "boots"));
                            ::kill(children_of(site.sluice().pid()).back(), SIGKILL);
                        }},
                   {.name = "its master, while it is asked for an answer",
                    .release = {.fpm = "rlimit_files = 4\n"},
                    .says = says,
                    .meanwhile = [](ReloadSite& site) { ::kill(next_master(site), SIGKILL); }},
                   {.name = "all of it, while it is asked for an answer",
                    .release = {.fpm = "rlimit_files = 4\n"},
                    .says = says,
                    .meanwhile = [](ReloadSite& site) { kill_with_workers(next_master(site)); }},
                   {.name = "its master, while it is warmed up",
                    .release = warm("warm1"),
                    .says = says,
                    .meanwhile =
                        [](ReloadSite& site) {
                            REQUIRE(has_mark(site, "warm1"));
                            ::kill(next_master(site), SIGKILL);
                        }},
                   {.name = "all of it, while it is warmed up",
                    .release = warm("warm2"),
                    .says = {"generation"}, // by its end, or by what the warm-up met
                    .meanwhile =
                        [](ReloadSite& site) {
                            REQUIRE(has_mark(site, "warm2"));
                            kill_with_workers(next_master(site));
                        }},
               });
}

namespace {

// A container with 64 MiB, of which nothing is left: files in the places where sluice looks.
void without_room(const FpmSite& site) {
    empty_scratch_folders();
    const auto over = [](const std::string& file, const std::string& name) {
        const auto target = "/proc/" + std::to_string(::getpid()) + "/" + name;
        if (::mount(file.c_str(), target.c_str(), nullptr, MS_BIND, nullptr) != 0) ::_exit(98);
    };
    over(site.folder().path("cgroup.txt"), "cgroup");
    over(site.folder().path("mountinfo.txt"), "mountinfo");
}

} // namespace

TEST_CASE("rollback: out of memory") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a container's memory limit is put before sluice as root");
        return;
    }
    ReloadSite reload(
        each_transport(), {.sluice = "[reload]\nlow_memory = \"proceed\"\n"},
        {.prepare =
             [](const FpmSite& site) {
                 const auto& folder = site.folder();
                 folder.write("cgroup.txt", "0::/\n");
                 folder.write("mountinfo.txt", "30 23 0:26 / " + folder.path("cgroup") +
                                                   " rw - cgroup2 cgroup2 rw\n");
                 folder.write("cgroup/memory.max", "67108864\n");
                 folder.write("cgroup/memory.current", "66060288\n");
                 folder.write("cgroup/memory.stat", "anon 66060288\nfile 0\ninactive_file 0\n");
             },
         .before_exec = without_room});
    const auto& folder = reload.folder();
    SteadyLoad load(reload.site().place(), folder.path("app/who.php"));
    reload.status();
    const auto before = reload.footprint();
    fails(reload, {"no room", {.name = "bad"}, {"64 MiB", "reload.low_memory"}}, load, "first");
    CHECK_MESSAGE(reload.is_down_to(before), reload.footprint().text());
    fails(reload,
          {.name = "FPM gets no memory",
           .release = {.name = "bad", .sluice = "[reload]\nlow_memory = \"proceed\"\n"},
           .says = {"before it had proved itself"},
           .wrapper = "ulimit -v 400000; set -- \"$@\" -d opcache.memory_consumption=2000",
           .wrote = "memory"},
          load, "first");
    CHECK_MESSAGE(reload.is_down_to(before), reload.footprint().text());
    folder.write("cgroup/memory.max", "max\n");
    works(reload, "second", load);
    none_lost(load.end());
    CHECK(reload.sluice().stop() == 0);
    CHECK(reload.left_behind() == "");
}

} // namespace tests
