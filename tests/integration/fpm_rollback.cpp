#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <functional>

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
    const auto log = since(reload, begin);
    INFO(log);
    INFO(told.text);
    CHECK(contains(log, "reload rolled back after "));
    CHECK(contains(log, "goes on serving"));
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
    each_fails(reload,
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
                            {"reload.check[0]", "exited with status 3", "the schema is old"}},
                           {"the second one fails",
                            {.sluice = "[[reload.check]]\ncommand = [\"true\"]\n"
                                       "[[reload.check]]\ncommand = [\"false\"]\n"},
                            {"reload.check[1] (false)", "exited with status 1"}},
                           {"there is none",
                            {.sluice = "[[reload.check]]\ncommand = [\"/nonexistent/check\"]\n"},
                            {"reload.check[0]", "/nonexistent/check", "No such file"}},
                           {"it does not end, nor do its children",
                            {.sluice = "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"trap '' "
                                       "TERM; sleep 300; true\"]\ntimeout = \"300ms\"\n"},
                            {"reload.check[0]", "did not end within 300 ms"}},
                           {"it dies of a signal",
                            {.sluice = "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"kill -9 "
                                       "$$\"]\n"},
                            {"reload.check[0]", "signal KILL"}},
                       });
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
    each_fails(reload,
               {
                   {.name = "process.max leaves a new pool without a worker",
                    .release = {.sluice = half_a_second,
                                .fpm = "[global]\nprocess.max = 3\n[api]\nuser = www-data\ngroup = "
                                       "www-data\nlisten = @folder@/marks/api.sock\npm = static\n"
                                       "pm.max_children = 1\n"},
                    .says = {"did not answer within 500 ms (reload.ready)", "pool api"}},
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


} // namespace tests
