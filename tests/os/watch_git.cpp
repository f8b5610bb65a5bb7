#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "child.h"
#include "tests/integration/temp_folder.h"
#include "watching.h"

namespace sluice::os {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using tests::TempFolder;
using tests::Watching;

namespace {

bool git(const std::string& folder, const std::string& command) {
    return tests::shell("git -C " + folder +
                        " -c user.name=test -c user.email=test@example.org"
                        " -c init.defaultBranch=main -c protocol.file.allow=always " +
                        command);
}

/// A repository `origin` with one commit, and its clone `app`.
struct Clone {
    Clone() {
        fs::create_directory(folder.path("origin"));
        REQUIRE(git(origin(), "init"));
        commit("public/index.php", "1");
        REQUIRE(git(folder.path(), "clone origin app"));
    }

    void commit(const std::string& file, const std::string& text) const {
        folder.write("origin/" + file, text);
        REQUIRE(git(origin(), "add --all"));
        REQUIRE(git(origin(), "commit --message=x"));
    }

    std::string origin() const { return folder.path("origin"); }

    std::string app() const { return folder.path("app"); }

    std::string lock() const { return folder.path("app/.git/index.lock"); }

    TempFolder folder;
};

} // namespace

TEST_CASE("git pull is one change, told when everything is there") {
    const Clone clone;
    Watching watching({clone.app()});
    for (int i = 0; i < 300; ++i) {
        clone.folder.write(
            "origin/src/" + std::to_string(i % 30) + "/" + std::to_string(i) + ".php", "x");
    }
    clone.commit("public/index.php", "2");
    tests::Child pull([&] { return git(clone.app(), "pull") ? 0 : 1; });
    CHECK(watching.next() == clone.app());
    CHECK(clone.folder.has("app/src/29/299.php"));
    CHECK(tests::read_file(clone.folder.path("app/public/index.php")) == "2");
    CHECK(pull.status() == 0);
    watching.run_for(500ms);
    CHECK(watching.changed.size() == 1);

    // In the folders that it made, too.
    clone.commit("src/7/7.php", "y");
    REQUIRE(git(clone.app(), "pull"));
    CHECK(watching.next() == clone.app());
}

TEST_CASE("what git does without touching the files changes nothing") {
    const Clone clone;
    const auto sentinel = clone.folder.write("sentinel", "");
    Watching watching({clone.app(), sentinel});
    clone.commit("public/new.php", "");
    REQUIRE(git(clone.app(), "fetch"));
    fs::last_write_time(clone.folder.path("app/public/index.php"),
                        fs::file_time_type::clock::now());
    REQUIRE(git(clone.app(), "status"));
    REQUIRE(git(clone.app(), "tag v1"));
    REQUIRE(git(clone.app(), "gc"));
    clone.folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
    CHECK(watching.changed.size() == 1);
}

TEST_CASE("while git holds its lock nothing is told") {
    const Clone clone;
    Watching watching({clone.app()});
    std::ofstream(clone.lock()) << "";
    clone.folder.write("app/public/index.php", "half");
    watching.run_for(600ms); // six times the quiet time
    CHECK(watching.changed.empty());
    fs::remove(clone.lock());
    CHECK(watching.next() == clone.app());
    CHECK(watching.said.empty());
}

TEST_CASE("a work tree that comes into being is waited for as well") {
    const TempFolder folder;
    const auto app = folder.path("app");
    fs::create_directory(app);
    Watching watching({app});
    REQUIRE(git(app, "init"));
    watching.run_for(600ms);
    CHECK(watching.changed.empty()); // no file of the application's
    std::ofstream(app + "/.git/index.lock") << "";
    folder.write("app/index.php", "half");
    watching.run_for(600ms);
    CHECK(watching.changed.empty());
    fs::rename(app + "/.git/index.lock", app + "/.git/index");
    CHECK(watching.next() == app);
}

TEST_CASE("a lock that stays is waited for so long, and then said") {
    const Clone clone;
    const auto file = clone.folder.path("app/public/index.php"); // somewhere in a work tree
    Watching watching({file}, {.quiet = 100ms, .longest = 2s, .lock = 700ms});
    std::ofstream(clone.lock()) << "";
    const auto began = Watch::Clock::now();
    clone.folder.write("app/public/index.php", "2");
    CHECK(watching.next() == file);
    CHECK(Watch::Clock::now() - began >= 799ms);
    REQUIRE(watching.said.size() == 1);
    CHECK(watching.said[0] == "reload.watch: " + clone.lock() +
                                  " is still there after 700 ms; going on without waiting for git; "
                                  "if no git is running, remove it");
}

TEST_CASE("a lock in the folder that a symlink is in") {
    const Clone clone;
    const auto current = clone.folder.path("app/current");
    fs::create_directory_symlink("public", current);
    Watching watching({current});
    std::ofstream(clone.lock()) << "";
    REQUIRE(tests::shell("ln -sfn . " + current));
    watching.run_for(600ms);
    CHECK(watching.changed.empty());
    fs::remove(clone.lock());
    CHECK(watching.next() == current);
}

} // namespace sluice::os
