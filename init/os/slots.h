#pragma once

#include <string>
#include <variant>

#include "init/os/descriptor.h"

namespace sluice::os {

/// One of the node's places for a reload; free again at its end, and when its holder dies, however
/// that comes about.
class Slot {
  public:
    Slot(Descriptor file, int number) : file_(std::move(file)), number_(number) {}

    Slot(Slot&&) noexcept = default;
    Slot& operator=(Slot&& other) noexcept;
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    ~Slot();

    /// 1 to Slots' count.
    int number() const { return number_; }

  private:
    void release();

    Descriptor file_;
    int number_;
};

/// All slots are taken: try again later.
struct Busy {
    std::string note; // a sentence, if fewer slots than configured can be used; else empty
};

/// `reload.slots_dir` and `reload.slots`: at most `count` of all who use the same folder hold a
/// Slot at once. The slots are the files slot-1 to slot-<count> in it, each locked with flock().
///
/// flock() and not an open file description lock, because it locks a file that is opened for
/// reading only, and so one of another user's. Either belongs to the open file description: no pid
/// is in it, the kernel drops it with the last descriptor, and it holds on the inode, through any
/// bind mount and across containers of one kernel. The descriptor is close-on-exec. A child between
/// fork and exec has it, too: a holder who ends properly unlocks explicitly, which no copy
/// outlasts; one who is killed in that instant holds the slot until the child has executed,
/// microseconds later.
///
/// Containers with different counts share the slots that both know. Who deletes the files while
/// they are held lets more reload at once: nobody else can see those locks any more.
class Slots {
  public:
    /// `folder` is absolute and exists; `count` is at least 1.
    Slots(std::string folder, int count) : folder_(std::move(folder)), count_(count) {}

    /// Never waits. A sentence: none can be had at all, and what to do about it. Files that are
    /// missing are made, with mode 0666; nothing is written to them, and files that are there can
    /// be used in a folder that is read-only.
    std::variant<Slot, Busy, std::string> try_take() const;

  private:
    std::string folder_;
    int count_;
};

} // namespace sluice::os
