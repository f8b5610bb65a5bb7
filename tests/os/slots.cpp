#include "init/os/slots.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <ctime>
#include <filesystem>
#include <memory>
#include <new>
#include <vector>

#include "child.h"
#include "tests/integration/await.h"
#include "tests/integration/temp_folder.h"

namespace sluice::os {

namespace fs = std::filesystem;
using tests::Child;
using tests::Signpost;
using tests::TempFolder;

namespace {

using Taken = std::variant<Slot, Busy, std::string>;

int number_of(const Taken& taken) {
    const auto* const slot = std::get_if<Slot>(&taken);
    return slot != nullptr ? slot->number() : 0;
}

bool is_busy(const Taken& taken) {
    return std::holds_alternative<Busy>(taken);
}

/// The sentence; "" if it is none.
std::string trouble(const Taken& taken) {
    const auto* const text = std::get_if<std::string>(&taken);
    return text != nullptr ? *text : "";
}

bool holds(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// A process that takes a slot, says so, and keeps it.
std::unique_ptr<Child> holder(const Slots& slots, uid_t user = 0) {
    const Signpost has_it;
    auto child = std::make_unique<Child>([&] {
        if (user != 0 && ::setresuid(user, user, user) != 0) return 2;
        const auto taken = slots.try_take();
        if (number_of(taken) == 0) return 1;
        has_it.raise();
        return ::pause();
    });
    REQUIRE(has_it.await());
    return child;
}

/// What another user gets: the slot's number, 100 for Busy, 200 for a sentence with this part.
int as_user(uid_t user, const Slots& slots, const std::string& part = "") {
    Child child([&] {
        if (::setgroups(0, nullptr) != 0 || ::setresgid(user, user, user) != 0 ||
            ::setresuid(user, user, user) != 0) {
            return 255;
        }
        const auto taken = slots.try_take();
        if (is_busy(taken)) return 100;
        if (number_of(taken) != 0) return number_of(taken);
        return holds(trouble(taken), part) ? 200 : 201;
    });
    return child.status();
}

bool is_root() {
    if (::geteuid() == 0) return true;
    MESSAGE("skipped: other users and mounts need root");
    return false;
}

} // namespace

TEST_CASE("as many slots as were asked for, and again when one is given back") {
    const TempFolder folder;
    const Slots slots(folder.path(), 2);
    auto first = slots.try_take();
    CHECK(number_of(first) == 1);
    const auto second = slots.try_take();
    CHECK(number_of(second) == 2);
    CHECK(is_busy(slots.try_take()));
    first = Busy{};
    CHECK(number_of(slots.try_take()) == 1);
    CHECK(number_of(Slots(folder.path(), 3).try_take()) == 1);
}

TEST_CASE("a slot that is moved is held once; one that is assigned to gives its own back") {
    const TempFolder folder;
    const Slots slots(folder.path(), 2);
    auto first = std::get<Slot>(slots.try_take());
    auto second = std::get<Slot>(slots.try_take());
    CHECK(is_busy(slots.try_take()));
    first = std::move(second);
    CHECK(first.number() == 2);
    CHECK(number_of(slots.try_take()) == 1);
}

TEST_CASE("the files can be opened by everybody, and nothing is written to them") {
    const TempFolder folder;
    const auto mask = ::umask(077);
    const auto taken = Slots(folder.path(), 1).try_take();
    CHECK(::umask(mask) == 077);

    struct stat file {};

    REQUIRE(::stat(folder.path("slot-1").c_str(), &file) == 0);
    CHECK((file.st_mode & 07777) == 0666);
    CHECK(file.st_size == 0);
}

TEST_CASE("a holder that is killed gives its slot back at once") {
    const TempFolder folder;
    const Slots slots(folder.path(), 1);
    const auto child = holder(slots);
    CHECK(is_busy(slots.try_take()));
    child->kill();
    CHECK(number_of(slots.try_take()) == 1);
}

TEST_CASE("what a holder started does not hold its slot") {
    const TempFolder folder;
    const Slots slots(folder.path(), 1);
    const Signpost started;
    std::array<int, 2> closed_at_exec{};
    REQUIRE(::pipe2(closed_at_exec.data(), O_CLOEXEC) == 0);
    auto child = std::make_unique<Child>([&] {
        const auto taken = slots.try_take();
        ::close(closed_at_exec[0]);
        if (::fork() == 0) {
            ::execlp("sleep", "sleep", "20", nullptr);
            ::_exit(127);
        }
        ::close(closed_at_exec[1]);
        started.raise();
        return ::pause();
    });
    ::close(closed_at_exec[1]);
    REQUIRE(started.await());
    char byte = 0;
    REQUIRE(::read(closed_at_exec[0], &byte, 1) == 0); // it has executed
    ::close(closed_at_exec[0]);
    CHECK(is_busy(slots.try_take()));
    child->kill();
    CHECK(number_of(slots.try_take()) == 1);
}

TEST_CASE("a slot that is given back is free though a child has not executed yet") {
    const TempFolder folder;
    const Slots slots(folder.path(), 1);
    auto taken = std::make_unique<Taken>(slots.try_take());
    REQUIRE(number_of(*taken) == 1);
    const Child child([] { return ::pause(); }); // with a copy of the descriptor
    taken.reset();
    CHECK(number_of(slots.try_take()) == 1);
}

TEST_CASE("24 processes and 2 slots: never more than 2 at once, and everybody's turn comes") {
    struct Count {
        std::atomic<int> inside{0};
        std::atomic<int> most{0};
        std::atomic<int> turns{0};
    };

    void* const memory =
        ::mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    auto& count = *new (memory) Count;
    const TempFolder folder;
    const Slots slots(folder.path(), 2);
    constexpr int processes = 24;
    constexpr int rounds = 10;
    const auto work = [&] {
        for (int round = 0; round < rounds; ++round) {
            const bool had_it = tests::eventually([&] {
                const auto taken = slots.try_take();
                if (number_of(taken) == 0) return false;
                const int inside = ++count.inside;
                int most = count.most;
                while (inside > most && !count.most.compare_exchange_weak(most, inside)) {
                }
                const timespec reload{0, 1'000'000};
                ::nanosleep(&reload, nullptr);
                ++count.turns;
                --count.inside;
                return true;
            });
            if (!had_it) return 1;
        }
        return 0;
    };
    std::vector<std::unique_ptr<Child>> children;
    for (int i = 0; i < processes; ++i) children.push_back(std::make_unique<Child>(work));
    for (const auto& child : children) CHECK(child->status() == 0);
    CHECK(count.most == 2);
    CHECK(count.turns == processes * rounds);
    ::munmap(memory, sizeof(Count));
}

TEST_CASE("users of all kinds share the slots, whoever made the files") {
    if (!is_root()) return;
    const TempFolder folder;
    ::chmod(folder.path().c_str(), 01777); // as /tmp: fs.protected_regular is about such folders
    const Slots slots(folder.path(), 2);
    {
        const auto ours = slots.try_take();
        CHECK(number_of(ours) == 1);
        CHECK(as_user(33, slots) == 2); // makes the file
        const auto theirs = slots.try_take();
        CHECK(number_of(theirs) == 2); // which is ours to lock
        CHECK(as_user(33, slots) == 100);
        CHECK(as_user(1'000, slots) == 100);
    }
    const auto child = holder(slots, 33);
    const auto second = slots.try_take();
    CHECK(number_of(second) == 2);
    CHECK(is_busy(slots.try_take()));
}

TEST_CASE("a folder that another user may not write to, with the files and without") {
    if (!is_root()) return;
    const TempFolder folder; // mode 0755
    const Slots slots(folder.path(), 1);
    CHECK(as_user(33, slots, "let this container's user (uid 33) write to the folder") == 200);
    CHECK(number_of(slots.try_take()) == 1);
    CHECK(as_user(33, slots) == 1);
    // Fewer than configured: used as far as they go, and said.
    const auto held = slots.try_take();
    CHECK(as_user(33, Slots(folder.path(), 2)) == 100);
}

TEST_CASE("a read-only mount, in another mount and PID namespace: the same slots") {
    if (!is_root()) return;
    if (!tests::mounts_are_ours()) {
        MESSAGE("skipped: no mount namespace to be had");
        return;
    }
    const TempFolder host;
    const TempFolder container;
    const auto place = container.path();
    REQUIRE(::mount(host.path().c_str(), place.c_str(), nullptr, MS_BIND, nullptr) == 0);
    REQUIRE(::mount(nullptr, place.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) ==
            0);
    const Slots outside(host.path(), 1);
    const Slots inside(place, 1);
    CHECK(trouble(inside.try_take()) ==
          "reload.slots_dir: cannot open " + place +
              "/slot-1: Read-only file system; mount the folder read-write, or make the files on "
              "the host (touch)");
    {
        const auto ours = outside.try_take();
        CHECK(number_of(ours) == 1);
        CHECK(is_busy(inside.try_take()));
        Child other([&] { // the first of a PID namespace is the next that it forks
            if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return 77;
            Child first([&] { return ::getpid() == 1 && is_busy(inside.try_take()) ? 0 : 1; });
            return first.status();
        });
        CHECK(other.status() == 0);
    }
    CHECK(number_of(inside.try_take()) == 1);
    CHECK(::umount(place.c_str()) == 0);
}

TEST_CASE("what is no folder and no file is said, and holds nobody up") {
    const TempFolder folder;
    const Slots slots(folder.path(), 1);
    const auto slot = folder.path("slot-1");
    CHECK(trouble(Slots(folder.path("none"), 1).try_take()) ==
          "reload.slots_dir: cannot open the folder " + folder.path("none") +
              ": No such file or directory; mount one folder of the host there in every container "
              "of the node");
    CHECK(holds(trouble(Slots(folder.write("file", ""), 1).try_take()), "Not a directory"));

    fs::create_symlink(folder.write("elsewhere", ""), slot);
    CHECK(holds(trouble(slots.try_take()), "remove it, " + slot + " has to be an ordinary file"));
    fs::remove(slot);
    REQUIRE(::mkfifo(slot.c_str(), 0666) == 0);
    CHECK(trouble(slots.try_take()) ==
          "reload.slots_dir: " + slot + " is not an ordinary file; remove it");
    fs::remove(slot);
    fs::create_directory(slot);
    CHECK(holds(trouble(slots.try_take()), slot + " is not an ordinary file"));
}

TEST_CASE("fewer slots than configured: what there is counts, and the rest is said") {
    const TempFolder folder;
    REQUIRE(::mkfifo(folder.path("slot-1").c_str(), 0666) == 0);
    const Slots slots(folder.path(), 2);
    const auto taken = slots.try_take();
    CHECK(number_of(taken) == 2);
    const auto refused = slots.try_take();
    REQUIRE(is_busy(refused));
    CHECK(holds(std::get<Busy>(refused).note, "slot-1 is not an ordinary file"));
}

} // namespace sluice::os
