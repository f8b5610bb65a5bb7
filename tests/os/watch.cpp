#include "init/os/watch.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "child.h"
#include "init/os/watched.h"
#include "tests/integration/temp_folder.h"
#include "watching.h"

// Where nothing may follow from an event, another watched path is changed after it: had the event
// counted, the Watch would tell of its path, which came first.

namespace sluice::os {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using tests::TempFolder;
using tests::Watching;

namespace {

/// True if nothing wakes the loop. What others do in the folders on the way may wake it now and
/// then; a timer or a stray event would each time.
bool sleeps(Watching& watching) {
    for (int attempt = 0; attempt < 20; ++attempt) {
        if (watching.run_for(300ms) == 0) return true;
    }
    return false;
}

} // namespace

TEST_CASE("a symlink that is flipped, in every way that deploys do it") {
    const TempFolder folder;
    fs::create_directory(folder.path("1"));
    fs::create_directory(folder.path("2"));
    fs::create_directory_symlink("1", folder.path("current"));
    const auto current = folder.path("current");
    Watching watching({current});
    CHECK(watching.description().find("watching the symlink " + current + " (not") !=
          std::string::npos);

    REQUIRE(tests::shell("ln -sfn 2 " + current));
    CHECK(watching.next() == current);
    fs::create_directory_symlink("1", folder.path("next"));
    fs::rename(folder.path("next"), current);
    CHECK(watching.next() == current);
    fs::remove(current);
    fs::create_directory_symlink("2", current);
    CHECK(watching.next() == current);
    REQUIRE(tests::shell("touch -h " + current));
    CHECK(watching.next() == current);
    CHECK(watching.changed.size() == 4);
}

TEST_CASE("what a symlink leads to, and other names beside it, change nothing") {
    const TempFolder folder;
    folder.write("1/index.php", "1");
    fs::create_directory_symlink("1", folder.path("current"));
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({folder.path("current"), sentinel});

    folder.write("1/index.php", "2");
    folder.write("other", "");
    fs::create_directory(folder.path("3"));
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
}

TEST_CASE("a file: written, renamed over, deleted and made again, touched, linked") {
    const TempFolder folder;
    const auto file = folder.write("REVISION", "1");
    Watching watching({file});
    folder.write("REVISION", "2");
    CHECK(watching.next() == file);
    fs::rename(folder.write("new", "3"), file);
    CHECK(watching.next() == file);
    fs::remove(file);
    folder.write("REVISION", "4");
    CHECK(watching.next() == file);
    REQUIRE(tests::shell("touch -c " + file));
    CHECK(watching.next() == file);
    fs::remove(file);
    fs::create_hard_link(folder.write("other", "5"), file);
    CHECK(watching.next() == file);
    CHECK(watching.changed.size() == 5);
}

TEST_CASE("a file that is still being written counts when it is closed") {
    const TempFolder folder;
    const auto file = folder.path("REVISION");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({file, sentinel});
    std::ofstream writing(file);
    writing << "half" << std::flush;
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
    writing.close();
    CHECK(watching.next() == file);
}

TEST_CASE("reading, attributes and closing without writing change nothing, and wake nobody") {
    REQUIRE(::setenv("TMPDIR", "/var/tmp", 1) == 0); // in /tmp there is always somebody
    const TempFolder folder;
    ::unsetenv("TMPDIR");
    const auto tree = folder.path("tree");
    const auto file = folder.write("tree/index.php", "1");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({tree, sentinel});
    CHECK(sleeps(watching));

    CHECK(tests::read_file(file) == "1");
    for (const auto& entry : fs::directory_iterator(tree)) CHECK(fs::exists(entry));
    CHECK(sleeps(watching));

    ::chmod(file.c_str(), 0600);
    ::chmod(tree.c_str(), 0700);
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
    CHECK(watching.changed.size() == 1);
}

TEST_CASE("a folder is watched with what is below it, also what comes later") {
    const TempFolder folder;
    const auto tree = folder.path("tree");
    folder.write("tree/a/b/c.php", "");
    Watching watching({tree});
    CHECK(watching.description().find("with 2 sub-folders") != std::string::npos);
    folder.write("tree/a/b/c.php", "1");
    CHECK(watching.next() == tree);
    fs::create_directories(folder.path("tree/d/e/f"));
    CHECK(watching.next() == tree);
    folder.write("tree/d/e/f/g.php", "");
    CHECK(watching.next() == tree);
    fs::rename(folder.path("tree/d"), folder.path("tree/a/moved"));
    CHECK(watching.next() == tree);
    folder.write("tree/a/moved/e/f/g.php", "2");
    CHECK(watching.next() == tree);
    fs::remove_all(folder.path("tree/a"));
    CHECK(watching.next() == tree);
    CHECK(watching.changed.size() == 6);
    CHECK(watching.said.empty());
}

TEST_CASE("a folder that was moved out tells nothing any more") {
    const TempFolder folder;
    const auto tree = folder.path("tree");
    folder.write("tree/old/deep/x.php", "");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({tree, sentinel});
    fs::rename(folder.path("tree/old"), folder.path("gone"));
    CHECK(watching.next() == tree);
    folder.write("gone/deep/x.php", "1");
    folder.write("gone/y.php", "1");
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
}

TEST_CASE("a path whose folders come one after another, go, and are moved") {
    const TempFolder folder;
    const auto file = folder.path("srv/app/shared/REVISION");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({file, sentinel});
    CHECK(watching.description().find(file + ", which does not exist yet") != std::string::npos);
    fs::create_directory(folder.path("srv"));
    CHECK(watching.run_for(300ms) > 0);
    fs::create_directory(folder.path("srv/app"));
    CHECK(watching.run_for(300ms) > 0);
    CHECK(watching.changed.empty());
    folder.write("srv/app/shared/REVISION", "1");
    CHECK(watching.next() == file);

    fs::remove_all(folder.path("srv/app"));
    CHECK(watching.run_for(300ms) > 0);
    CHECK(watching.changed.size() == 1); // gone is no change
    folder.write("srv/app/shared/REVISION", "2");
    CHECK(watching.next() == file);

    // The whole way moved away by its highest folder, and another one in its place.
    folder.write("srv.new/app/shared/REVISION", "3");
    fs::rename(folder.path("srv"), folder.path("srv.old"));
    fs::rename(folder.path("srv.new"), folder.path("srv"));
    CHECK(watching.next() == file);
    folder.write("srv.old/app/shared/REVISION", "4"); // nobody listens there any more
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
    folder.write("srv/app/shared/REVISION", "5");
    CHECK(watching.next() == file);
    CHECK(watching.changed.size() == 5);
}

TEST_CASE("a file behind a symlink that is flipped") {
    const TempFolder folder;
    folder.write("1/REVISION", "1");
    folder.write("2/REVISION", "2");
    fs::create_directory_symlink("1", folder.path("current"));
    const auto file = folder.path("current/REVISION");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({file, sentinel});
    REQUIRE(tests::shell("ln -sfn 2 " + folder.path("current")));
    CHECK(watching.next() == file);
    folder.write("1/REVISION", "3");
    folder.write("sentinel", "x");
    CHECK(watching.next() == sentinel);
    folder.write("2/REVISION", "4");
    CHECK(watching.next() == file);
}

TEST_CASE("a folder that is somebody's working folder is deleted and made again") {
    // The kernel does not tell of its end before they leave it.
    const TempFolder folder;
    const auto file = folder.write("app/REVISION", "1");
    Watching watching({file, folder.path("app")});
    const tests::Signpost there;
    tests::Child worker([&] {
        fs::current_path(folder.path("app"));
        there.raise();
        return ::pause();
    });
    REQUIRE(there.await());
    fs::remove_all(folder.path("app"));
    folder.write("app/REVISION", "2");
    CHECK(watching.next() == file);
    folder.write("app/index.php", "");
    CHECK(watching.next() == folder.path("app"));
}

TEST_CASE("a thousand files are one change, told when the last one is there") {
    const TempFolder folder;
    const auto tree = folder.path("tree");
    fs::create_directory(tree);
    Watching watching({tree}, Watch::Pace{});
    const auto began = Watch::Clock::now();
    for (int i = 0; i < 1'000; ++i) {
        folder.write("tree/d" + std::to_string(i % 20) + "/" + std::to_string(i) + ".php", "x");
        watching.loop.poll();
    }
    const auto written = Watch::Clock::now();
    // On a machine so slow that they took 10 s the limit would have told before.
    if (written - began < 9s) CHECK(watching.changed.empty());
    CHECK(watching.next() == tree);
    CHECK(Watch::Clock::now() - written >= 499ms);
    watching.run_for(700ms);
    CHECK(watching.changed.size() == 1);
}

TEST_CASE("writing that does not end is told after the longest time") {
    const TempFolder folder;
    const auto file = folder.write("busy", "");
    Watching watching({file}, {.quiet = 200ms, .longest = 1s, .lock = 1s});
    boost::asio::steady_timer timer(watching.loop);
    std::function<void()> write = [&] {
        folder.write("busy", "x");
        timer.expires_after(10ms);
        timer.async_wait([&](const auto& error) {
            if (!error) write();
        });
    };
    const auto began = Watch::Clock::now();
    write();
    CHECK(watching.next() == file);
    CHECK(Watch::Clock::now() - began >= 999ms);
    CHECK(watching.changed.size() == 1);
}

TEST_CASE("more events than the kernel keeps: told once, and what came meanwhile is watched") {
    std::size_t most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    if (most == 0 || most > 50'000) {
        MESSAGE("skipped: the queue of inotify holds " << most << " events here");
        return;
    }
    const TempFolder folder;
    const auto tree = folder.path("tree");
    const std::array files{folder.write("tree/a", ""), folder.write("tree/b", "")};
    Watching watching({tree});
    for (std::size_t i = 0; i < most + 100; ++i) { // one twice in a row would be one event
        const int fd = ::open(files.at(i % 2).c_str(), O_WRONLY | O_CLOEXEC);
        REQUIRE(fd >= 0);
        ::close(fd);
    }
    fs::create_directory(folder.path("tree/late"));
    CHECK(watching.next() == tree);
    folder.write("tree/late/x.php", "");
    CHECK(watching.next() == tree);
    CHECK(watching.changed.size() == 2);
}

TEST_CASE("a tree that is too large is watched in part, and that is said") {
    const TempFolder folder;
    const auto tree = folder.path("tree");
    fs::create_directory(tree);
    // In memory, where that can be had: a slow disk takes seconds for so many.
    const bool in_memory =
        tests::mounts_are_ours() && ::mount("none", tree.c_str(), "tmpfs", 0, nullptr) == 0;
    for (std::size_t i = 0; i <= Watched::most_folders; ++i) {
        REQUIRE(::mkdir((tree + "/" + std::to_string(i)).c_str(), 0755) == 0);
    }
    Watching watching({tree});
    CHECK(watching.description().find(tree + " is too large to be watched whole (4096 folders") !=
          std::string::npos);
    folder.write("tree/index.php", "");
    CHECK(watching.next() == tree);
    CHECK(watching.said.empty()); // once is enough
    if (in_memory) CHECK(::umount(tree.c_str()) == 0);
}

TEST_CASE("a bind mount, as a container has it: changed from outside, under another name") {
    if (!tests::mounts_are_ours()) {
        MESSAGE("skipped: no mount namespace to be had");
        return;
    }
    const TempFolder host;
    const TempFolder container;
    fs::create_directory(container.path("app"));
    REQUIRE(::mount(host.path().c_str(), container.path("app").c_str(), nullptr, MS_BIND,
                    nullptr) == 0);
    const auto current = container.path("app/current");
    {
        Watching watching({current, container.path("app")});
        fs::create_directory_symlink("1", host.path("current"));
        CHECK(watching.next() == current);
        REQUIRE(tests::shell("ln -sfn 2 " + host.path("current")));
        CHECK(watching.next() == current);
        host.write("src/index.php", "");
        CHECK(watching.next() == container.path("app"));
    }
    CHECK(::umount(container.path("app").c_str()) == 0);
}

TEST_CASE("a file that is mounted alone: writing is seen, and what is not is said") {
    if (!tests::mounts_are_ours()) {
        MESSAGE("skipped: no mount namespace to be had");
        return;
    }
    const TempFolder host;
    const TempFolder container;
    const auto file = container.write("REVISION", "");
    const auto original = host.write("REVISION", "1");
    REQUIRE(::mount(original.c_str(), file.c_str(), nullptr, MS_BIND, nullptr) == 0);
    {
        Watching watching({file});
        CHECK(watching.description().find("reload.watch: " + file + " is mounted alone: ") !=
              std::string::npos);
        host.write("REVISION", "2");
        CHECK(watching.next() == file);
    }
    CHECK(::umount(file.c_str()) == 0);
    Watching unmounted({file});
    CHECK(unmounted.description().find("mounted alone") == std::string::npos);
}

TEST_CASE("a file system that is unmounted: what was below it is watched") {
    if (!tests::mounts_are_ours()) {
        MESSAGE("skipped: no mount namespace to be had");
        return;
    }
    const TempFolder folder;
    const auto tree = folder.path("tree");
    fs::create_directory(tree);
    REQUIRE(::mount("none", tree.c_str(), "tmpfs", 0, nullptr) == 0);
    Watching watching({tree});
    folder.write("tree/x.php", "");
    CHECK(watching.next() == tree);
    REQUIRE(::umount(tree.c_str()) == 0);
    CHECK(watching.next() == tree); // another folder is there
    folder.write("tree/y.php", "");
    CHECK(watching.next() == tree);
}

TEST_CASE("a file system without events is named at the start") {
    Watching watching({"/proc/sys/kernel/hostname", "/sys/kernel"});
    const auto text = watching.description();
    CHECK(text.find("/proc/sys/kernel/hostname is in /proc, which sends no events; run \"sluice "
                    "reload\"") != std::string::npos);
    CHECK(text.find("/sys/kernel is in /sys") != std::string::npos);
    CHECK(watching.watch.describe().size() == 2); // a warning is given once
}

TEST_CASE("folders that may not be read: passed through, or said") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: needs root to become another user");
        return;
    }
    const TempFolder folder;
    folder.write("closed/open/file", "");
    ::chmod(folder.path("closed").c_str(), 0711);
    tests::Child other([&] {
        if (::setresuid(33, 33, 33) != 0) return 2;
        Watching behind({folder.path("closed/open/file")});
        if (behind.description().find("cannot be watched") != std::string::npos) return 3;
        Watching inside({folder.path("closed/none/file")});
        const auto expected = folder.path("closed") + " cannot be watched: Permission denied; let "
                                                      "this user read it, or run \"sluice reload\"";
        return inside.description().find(expected) != std::string::npos ? 0 : 1;
    });
    CHECK(other.status() == 0);
}

namespace {

// In a user namespace of its own, with this limit.
int described_with(const char* limit, const char* value, const std::string& path,
                   const std::string& expected) {
    if (::unshare(CLONE_NEWUSER) != 0) return 77;
    std::ofstream file(limit);
    if (!(file << value << std::flush)) return 77;
    Watching watching({path});
    return watching.description().find(expected) != std::string::npos ? 0 : 1;
}

} // namespace

TEST_CASE("the kernel's limits are named when they are hit") {
    const TempFolder folder;
    for (int i = 0; i < 20; ++i) fs::create_directories(folder.path("tree/" + std::to_string(i)));
    const auto tree = folder.path("tree");
    tests::Child watches([&] {
        return described_with("/proc/sys/user/max_inotify_watches", "10", tree,
                              tree + " is not watched whole: this user's inotify watches are used "
                                     "up; raise fs.inotify.max_user_watches on the host, or run");
    });
    const auto status = watches.status();
    if (status == 77) {
        MESSAGE("skipped: no user namespace to be had");
        return;
    }
    CHECK(status == 0);
    tests::Child instances([&] {
        return described_with("/proc/sys/user/max_inotify_instances", "0", tree,
                              "nothing is watched: inotify: Too many open files "
                              "(fs.inotify.max_user_instances");
    });
    CHECK(instances.status() == 0);
}

TEST_CASE("what sluice writes itself, and sockets, are no change of a folder") {
    const TempFolder folder;
    fs::create_directory(folder.path("app"));
    const auto pid_file = folder.path("app/fpm.pid");
    const auto sentinel = folder.write("sentinel", "");
    Watching watching({folder.path("app"), sentinel}, tests::quick, {pid_file});

    for (const auto* const name : {"app/fpm.pid", "app/fpm.pid.sluice", "app/.sluice-0a1b2c3d"}) {
        folder.write(name, "1");
        fs::rename(folder.path(name), pid_file);
        fs::remove(pid_file);
    }
    const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{.sun_family = AF_UNIX, .sun_path = {}};
    const auto path = folder.path("app/fpm.sock.sluice-0a1b2c3d");
    REQUIRE(path.copy(static_cast<char*>(name.sun_path), sizeof name.sun_path - 1) == path.size());
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    fs::rename(path, folder.path("app/fpm.sock"));
    ::close(socket);
    folder.write("sentinel", "1");
    CHECK(watching.next() == sentinel);

    folder.write("app/my.sluice.toml", "1");
    CHECK(watching.next() == folder.path("app"));
}

TEST_CASE("a Watch can be given up in the middle of what it waits for, also by who is told") {
    const TempFolder folder;
    const auto file = folder.write("REVISION", "1");
    boost::asio::io_context loop;
    int told = 0;
    std::unique_ptr<Watch> watch;
    const auto tell = [&](const std::string&, Watch::Clock::time_point) {
        ++told;
        watch.reset();
    };
    watch = std::make_unique<Watch>(loop, Watched({file}), tell, Watch::Say{}, tests::quick);
    folder.write("REVISION", "2");
    loop.run_one_for(20s); // the event: the timer runs
    watch = std::make_unique<Watch>(loop, Watched({file}), tell, Watch::Say{}, tests::quick);
    folder.write("REVISION", "3");
    loop.run_for(20s); // ends by itself when nothing is left
    CHECK(told == 1);
    CHECK(loop.stopped());
}

} // namespace sluice::os
