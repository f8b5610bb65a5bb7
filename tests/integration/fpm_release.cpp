#include <doctest/doctest.h>

#include <csignal>
#include <filesystem>

#include "processes.h"
#include "served_site.h"

// reload.release: two generations on two releases, by paths relative to the release.

namespace tests {

namespace {

namespace fs = std::filesystem;

const std::string release_toml = "reload.release = \"@folder@/releases/current\"\n";

// "public/held.php" says which release each of its includes came from, once "marks/go" is there.
void write_release(const ServedSite& site, const std::string& name) {
    const auto folder = "releases/" + name + "/";
    site.folder().write(folder + "src/name.php", "<?php return '" + name + "';\n");
    site.folder().write(folder + "public/index.php",
                        "<?php echo '" + name +
                            " ', include __DIR__ . '/../src/name.php', ' ', "
                            "include '../src/name.php';\n");
    site.folder().write(folder + "public/late.php", "<?php return 'late " + name + "';\n");
    site.folder().write(
        folder + "public/held.php",
        site.fill_in(
            "<?php touch('@folder@/marks/' . $_GET['mark']);\n"
            "while (!file_exists('@folder@/marks/go')) { usleep(5000); clearstatcache(); }\n"
            "echo include __DIR__ . '/late.php', ', ', include 'late.php', ', ', "
            "include '../src/name.php';\n"));
}

void flip(const ServedSite& site, const std::string& to) {
    fs::create_directory_symlink(to, site.folder().path("releases/next"));
    fs::rename(site.folder().path("releases/next"), site.folder().path("releases/current"));
}

// By the path that the web server passes.
std::string get(const ServedSite& site, const std::string& script = "public/index.php") {
    return FastcgiRequest(site.place(), script).answer().value_or("nothing");
}

bool serves(const ServedSite& site, const std::string& release) {
    return eventually([&] { return get(site) == release + " " + release + " " + release; });
}

// As many as the pool has workers: each of them has its own cache of paths.
bool all_serve(const ServedSite& site, const std::string& release) {
    for (int i = 0; i < 10; ++i) {
        if (get(site) != release + " " + release + " " + release) return false;
    }
    return true;
}

std::string opcache() {
    std::string lines;
    SUBCASE("opcache without timestamps") {
        lines = without_timestamps();
    }
    SUBCASE("opcache that looks at every file") {
        lines = "php_admin_value[opcache.validate_timestamps] = 1\n"
                "php_admin_value[opcache.revalidate_freq] = 0\n";
    }
    SUBCASE("opcache as it comes") {
        lines = "";
    }
    return lines;
}

} // namespace

TEST_CASE("a request in flight across the flip and the switch stays in its release") {
    const ServedSite site({.pool = opcache()}, release_toml);
    write_release(site, "1");
    write_release(site, "2");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    FastcgiRequest held(site.place(), "public/held.php", "mark=held");
    REQUIRE(eventually([&] { return site.folder().has("marks/held"); }));
    flip(site, "2");
    CHECK(all_serve(site, "1"));
    CHECK(site.reload() == 0);
    CHECK(all_serve(site, "2"));
    CHECK(has_part(site.status(), "release " + site.folder().path("releases/2")));
    CHECK(has_part(site.status(), "release " + site.folder().path("releases/1")));
    site.folder().write("marks/go", "");
    CHECK(held.answer().value_or("lost") == "late 1, late 1, 1");
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK(all_serve(site, "2"));
    CHECK(sluice.stop() == 0);
    CHECK_FALSE(has_part(sluice.err(), "reload.release is not set"));
}

TEST_CASE("a release that fails its warm-up: everybody stays in the one before") {
    const ServedSite site({.pool = opcache()},
                          release_toml + "[[reload.warmup]]\nscript = \"public/index.php\"\n");
    write_release(site, "1");
    write_release(site, "2");
    site.folder().write("releases/2/src/name.php", "<?php broken(;\n");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    flip(site, "2");
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status != 0);
    CHECK(has_part(reply.out + reply.err, "public/index.php"));
    CHECK(all_serve(site, "1"));
    CHECK(has_part(site.status(), "release " + site.folder().path("releases/1")));
    write_release(site, "3");
    flip(site, "3");
    CHECK(site.reload() == 0);
    CHECK(all_serve(site, "3"));
    flip(site, "1"); // the operator's way back
    CHECK(site.reload() == 0);
    CHECK(all_serve(site, "1"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a crash after the flip: the next run goes on with the generation's release") {
    const ServedSite site({.pool = opcache()}, release_toml);
    write_release(site, "1");
    write_release(site, "2");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    REQUIRE(sluice.logs("answers after"));
    flip(site, "2");
    const pid_t master = sluice.service();
    ::kill(master, SIGSTOP); // so that it starts no worker
    for (const pid_t worker : children_of(master)) ::kill(worker, SIGKILL);
    ::kill(master, SIGKILL);
    REQUIRE(sluice.logs("answers after", 2));
    CHECK(all_serve(site, "1"));
    ::kill(sluice.service(), SIGKILL); // its workers serve on
    REQUIRE(sluice.logs("answers after", 3));
    CHECK(all_serve(site, "1"));
    REQUIRE(sluice.logs("the last worker of the dead master has gone"));
    CHECK(site.reload() == 0);
    CHECK(all_serve(site, "2"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a chdir below the symlink follows it, one elsewhere stays") {
    const ServedSite site({.pool = "chdir = @folder@/releases/current/public\n"}, release_toml);
    write_release(site, "1");
    write_release(site, "2");
    flip(site, "1");
    const int other = free_port();
    site.append(pool_on("other", "127.0.0.1:" + std::to_string(other), "chdir = @folder@/app\n"));
    Sluice sluice(site.launch());
    REQUIRE(eventually([&] { return get(site, "index.php") == "1 1 1"; }));
    flip(site, "2");
    CHECK(get(site, "index.php") == "1 1 1");
    CHECK(site.reload() == 0);
    CHECK(get(site, "index.php") == "2 2 2");
    CHECK(FastcgiRequest(Place(other), "index.php").answer() == "pong");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a symlink that leads nowhere") {
    const ServedSite site({}, release_toml);
    write_release(site, "1");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    flip(site, "nowhere");
    const auto reply = site.ask({"reload", "--wait"});
    CHECK(reply.status != 0);
    CHECK(has_part(reply.out + reply.err, "releases/current leads to no folder"));
    CHECK(all_serve(site, "1"));
    CHECK(sluice.stop() == 0);
    const auto launch = site.launch();
    Sluice second(launch);
    CHECK(second.exit_status() == 125);
    CHECK(has_part(second.err(), "releases/current leads to no folder"));
}

TEST_CASE("without reload.release the start and every reload say that it is not protected") {
    const ServedSite site;
    Sluice sluice(site.launch());
    REQUIRE(site.serves());
    CHECK(sluice.logs("reload.release is not set"));
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("reload.release is not set", 2));
    CHECK(has_part(site.status(), "reload.release is not set"));
    CHECK(sluice.stop() == 0);
}

TEST_CASE("a check runs in the release that is to be served") {
    const ServedSite site({}, release_toml +
                                  "[[reload.check]]\ncommand = [\"sh\", \"-c\", \"cp src/name.php "
                                  "@folder@/checked; echo $SLUICE_RELEASE > @folder@/named\"]\n");
    write_release(site, "1");
    write_release(site, "2");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    flip(site, "2");
    CHECK(site.reload() == 0);
    CHECK(read_file(site.folder().path("checked")) == "<?php return '2';\n");
    CHECK(read_file(site.folder().path("named")) == site.folder().path("releases/2") + "\n");
    CHECK(sluice.stop() == 0);
}

TEST_CASE("whole paths through the link are warned of") {
    const ServedSite site({}, release_toml);
    write_release(site, "1");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("generation 1 retired in"));
    CHECK_FALSE(has_part(sluice.err(), "does not protect users"));
    const auto whole = site.folder().path("releases/current/public/index.php");
    CHECK(get(site, whole) == "1 1 1");
    CHECK(site.reload() == 0);
    CHECK(sluice.logs("reload.release does not protect users: the web server passes whole paths (" +
                      whole));
    CHECK(sluice.stop() == 0);
}

// What an application takes for a whole path is made one by a file that PHP runs first
// (docs/reload.md).
TEST_CASE("SCRIPT_FILENAME and DOCUMENT_ROOT made whole again") {
    const ServedSite site({.pool = "php_admin_value[auto_prepend_file] = @folder@/prepend.php\n"},
                          release_toml);
    site.folder().write(
        "prepend.php",
        "<?php\n"
        "$_SERVER['SCRIPT_FILENAME'] = getcwd() . '/' . basename($_SERVER['SCRIPT_FILENAME']);\n"
        "$_SERVER['DOCUMENT_ROOT'] = substr($_SERVER['SCRIPT_FILENAME'], 0, "
        "-strlen($_SERVER['SCRIPT_NAME']));\n");
    write_release(site, "1");
    site.folder().write("releases/1/public/front.php",
                        "<?php echo $_SERVER['SCRIPT_FILENAME'], ' ', $_SERVER['DOCUMENT_ROOT'];");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    const auto folder = site.folder().path("releases/1/public");
    CHECK(FastcgiRequest(site.place(), "public/front.php", {}, "/front.php").answer() ==
          folder + "/front.php " + folder);
    CHECK(sluice.stop() == 0);
}

TEST_CASE("FPM's own reload goes by the link, not by the release of its start") {
    const ServedSite site({}, release_toml + "reload.strategy = \"signal\"\n");
    write_release(site, "1");
    write_release(site, "2");
    flip(site, "1");
    Sluice sluice(site.launch());
    REQUIRE(serves(site, "1"));
    REQUIRE(sluice.logs("answers after"));
    flip(site, "2");
    fs::remove_all(site.folder().path("releases/1"));
    CHECK(site.reload() == 0);
    CHECK(serves(site, "2"));
    CHECK(sluice.stop() == 0);
}

} // namespace tests
