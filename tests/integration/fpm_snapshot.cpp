#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <set>

#include "processes.h"
#include "served_site.h"

// The copy of php-fpm.conf that a generation runs from.

namespace tests {

namespace {

// What a master reads, without what sluice adds to it.
std::string users_part(pid_t master) {
    const auto path = wrapper_config_of(master);
    REQUIRE_FALSE(path.empty());
    const auto text = read_file(path);
    const auto end = text.rfind("[global]\ndaemonize = no\n");
    REQUIRE(end != std::string::npos);
    return text.substr(0, end);
}

// What FPM understands of a file, without the times and the file's name.
std::vector<std::string> understood(const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> command{"/usr/sbin/php-fpm8.2", "-tt", "-y", file};
    command.insert(command.end(), more.begin(), more.end());
    ChildProcess fpm({command, {{"SOME", "from outside"}}, {}});
    fpm.wait();
    std::vector<std::string> lines;
    for (const auto& line : lines_of(fpm.err())) {
        const auto at = line.find("] ");
        if (at == std::string::npos || has_part(line, " test is successful")) continue;
        lines.push_back(line.substr(at + 2));
    }
    return lines;
}

struct Case {
    FpmLines lines = {};
    std::map<std::string, std::string> files = {}; // beside php-fpm.conf
    std::vector<std::string> words = {};           // of FPM's command line
    std::string program = "php-fpm8.2";
};

void reads_the_same(const Case& one) {
    const ServedSite site(one.lines);
    for (const auto& [name, text] : one.files) {
        std::filesystem::create_directories(
            std::filesystem::path(site.folder().path(name)).parent_path());
        site.folder().write(name, site.fill_in(text));
    }
    std::vector<std::string> words;
    for (const auto& word : one.words) words.push_back(site.fill_in(word));
    auto launch = site.launch();
    launch.command = site.command(words);
    launch.command.front() = site.fill_in(one.program);
    launch.environment["SOME"] = "from outside";
    Sluice sluice(launch);
    REQUIRE_MESSAGE(site.serves(), sluice.err());
    const auto snapshot = site.folder().write("snapshot", users_part(sluice.service()));
    INFO(read_file(snapshot));
    for (const auto& line : lines_of(read_file(snapshot))) CHECK_FALSE(line.starts_with("include"));
    const auto of_snapshot = understood(snapshot, words);
    CHECK(of_snapshot.size() > 60);
    CHECK(of_snapshot == understood(site.config(), words));
    CHECK_FALSE(has_part(sluice.err(), "there is no copy"));
    CHECK(sluice.stop() == 0);
}

std::string pool(const std::string& name, const std::string& more = {}) {
    return pool_on(name, "127.0.0.1:" + std::to_string(free_port()), more);
}

// Three of them, two of which set the same; and what must not be read.
std::map<std::string, std::string> some_pools() {
    return {{"pool.d/20.conf", pool("twenty") + "[www]\nenv[LAST] = twenty\n"},
            {"pool.d/10.conf", pool("ten") + "[www]\nenv[LAST] = ten"},
            {"pool.d/a.conf", pool("letter")},
            {"pool.d/A.conf", pool("capital")},
            {"pool.d/other.txt", "nonsense = yes\n"},
            {"pool.d/.hidden.conf", "nonsense = yes\n"},
            {"pool.d/folder.conf/b.conf", "nonsense = yes\n"}};
}

} // namespace

TEST_CASE("a generation's copy says what php-fpm.conf says: files of a pattern, in their order") {
    reads_the_same({.lines = {.more = "include=@folder@/pool.d/*.conf\n"}, .files = some_pools()});
}

TEST_CASE("a generation's copy says what php-fpm.conf says: includes in includes, in a pool") {
    reads_the_same({.lines = {.pool = "include = \"@folder@/a b.conf\" ; why\nenv[C] = c\n"},
                    .files = {{"a b.conf", "env[A] = a\n include\t= '@folder@/b.conf'\nenv[D] = d"},
                              {"b.conf", "env[B] = b\r\n; include=/no\r\n[second]\r\n" +
                                             pool("second") + "env[E] = e"}}});
}

TEST_CASE("a generation's copy says what php-fpm.conf says: values of all kinds") {
    reads_the_same(
        {.lines = {.global = "; include=/no\n",
                   .pool = "env[A] = $SOME\nenv[B] = \"${SOME}\"\nenv[C] = 'x;y'\r\n"
                           "php_admin_value[include_path] = \".:/usr/share;x=\\\"y\\\"\" ; why\n"
                           "php_admin_value[error_prepend_string] = \"<a href='include=b'>\"\n"
                           "php_flag[display_errors] = off\n"
                           "access.format = \"%R - %u %t \\\"%m %r%Q%q\\\" %s %f %{mili}d\"\n",
                   .more = "[www]\nenv[F] = \"the end\""}});
}

TEST_CASE("a generation's copy says what php-fpm.conf says: relative includes") {
    SUBCASE("from FPM's own prefix, /usr") {
        reads_the_same(
            {.lines = {.more = "include=..@folder@/pool.d/*.conf\n"}, .files = some_pools()});
    }
    SUBCASE("and its program does not tell that") {
        reads_the_same({.lines = {.more = "include=..@folder@/pool.d/*.conf\n"},
                        .files = some_pools(),
                        .program = "@folder@/bin/php-fpm"});
    }
    SUBCASE("from -p") {
        reads_the_same({.lines = {.more = "include=pool.d/*.conf\n"},
                        .files = some_pools(),
                        .words = {"-p", "@folder@/"}});
    }
}

TEST_CASE("an include that nothing matches is said, as FPM does") {
    const ServedSite site({.more = "include=@folder@/no*.conf\n"});
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(has_part(sluice.err(), "nothing matches " + site.folder().path("no*.conf")));
    CHECK(sluice.stop() == 0);
}

TEST_CASE(
    "there is no copy where FPM may have to read its configuration again, or may read another") {
    FpmLines lines;
    std::string settings;
    std::vector<std::string> before;
    bool said = false;
    SUBCASE("FPM reloads by itself") {
        settings = "reload.strategy = \"signal\"\n";
    }
    SUBCASE("FPM reloads by itself where memory is low") {
        settings = "reload.low_memory = \"signal\"\n";
    }
    SUBCASE("USR2 is passed on") {
        settings = "signals.USR2 = \"forward\"\n";
    }
    SUBCASE("HUP is passed on as USR2") {
        settings = "signals.HUP = \"forward USR2\"\n";
    }
    SUBCASE("a script may write it") {
        before = {"wrapper"};
    }
    SUBCASE("only FPM knows what is included") {
        lines.more = "include=\"${SOME_FILE}\"\n";
        said = true;
    }
    const ServedSite site(lines, settings);
    site.folder().write("more.conf", "[www]\nenv[A] = b\n");
    auto launch = site.launch();
    launch.environment = site.search_path();
    launch.environment["SOME_FILE"] = site.folder().path("more.conf");
    launch.command.insert(launch.command.begin(), before.begin(), before.end());
    Sluice sluice(launch);
    REQUIRE(site.serves());
    CHECK(users_part(sluice.service()) == "include=" + site.config() + "\n");
    CHECK(has_part(sluice.err(), "there is no copy of " + site.config()) == said);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a pool's PHP code cannot read what the copy says of another pool") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: a pool of another user needs root");
        return;
    }
    const ServedSite site({.more = pool("other", "env[SECRET] = of_the_other")});
    std::filesystem::permissions(site.config(), std::filesystem::perms::owner_read);
    site.folder().write("app/peek.php",
                        "<?php $n = (int) $_GET['n'];\n"
                        "echo @file_get_contents(\"/proc/self/fd/$n\"),\n"
                        "     shell_exec(\"(bash -c 'cat <&$n'; cat /proc/self/fd/$n) 2>&1\");\n");
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    const auto path = wrapper_config_of(sluice.service());
    REQUIRE(has_part(read_file(path), "of_the_other"));
    const auto number = path.substr(path.rfind('/') + 1);
    const auto seen =
        FastcgiRequest(site.place(), site.folder().path("app/peek.php"), "n=" + number)
            .answer()
            .value_or("");
    INFO(seen);
    CHECK(has_part(seen, "Permission denied"));
    CHECK_FALSE(has_part(seen, "of_the_other"));
    CHECK(sluice.stop() == 0);
}

} // namespace tests
