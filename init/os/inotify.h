#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "init/os/descriptor.h"

namespace sluice::os {

/// One inotify instance: folders that the kernel reports about. Each watch is on an inode, under
/// whatever name, and goes with it when it is moved.
class Inotify {
  public:
    struct Event {
        int watch; // -1: the kernel's queue was full, and something was lost
        std::uint32_t mask;
        std::string name; // of the entry; empty if it is about the folder itself
    };

    /// Without one (see error()) every add() fails with that error.
    Inotify();

    /// errno of inotify_init1(), EMFILE where fs.inotify.max_user_instances is used up; 0: none.
    int error() const { return error_; }

    /// The descriptor to wait for, readable when there are events; owned here. -1 without one.
    int descriptor() const { return file_.get(); }

    /// Takes more events of a folder or file, in addition to those it was added for before. Gives
    /// the watch's number, or -errno: ENOSPC where fs.inotify.max_user_watches is used up.
    int add(const std::string& path, std::uint32_t mask) const;

    void remove(int watch) const;

    /// Never waits. What one read gives (64 KiB), so that in a storm others get their turn; nothing
    /// if there is nothing.
    std::vector<Event> read() const;

  private:
    Descriptor file_;
    int error_ = 0;
};

} // namespace sluice::os
