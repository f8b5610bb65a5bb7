#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "init/os/inotify.h"

namespace sluice::os {

/// Which folders have to be watched so that nothing that changes one of the paths is missed, and
/// which path an event means. Knows no time and no loop.
///
/// - Every folder on the way from the root to a path is watched for the next name on the way: so a
///   path need not exist yet, and renames, deletions and new links are seen wherever they happen.
///   (The kernel tells a folder's own end only when nobody has it as working folder any more, which
///   FPM's workers have.) The price is a wake-up when other names come and go on the way; below
///   /tmp or /run that is often. What a link on the way leads to is watched as that folder only,
///   not its own way from the root.
/// - A path that is a file or a symlink is seen by its name in its folder: written and closed,
///   linked, renamed over, touched. A symlink's target is not watched. A file is also watched
///   itself, for one that is mounted alone tells nothing to the folder that it appears in.
/// - A path that is a folder is watched with all its sub-folders, without following symlinks and
///   without `.git`, in so far as `most_folders` and `most_entries` allow. What counts is what
///   appears, goes, is renamed, or is closed after writing; not attributes, not reading, no
///   sockets, and not what sluice itself writes there. So it must not be a folder that the
///   application itself writes into (cache, logs, uploads).
/// - Of the git work tree that a changed path is or lies in: whether .git/index.lock is there, and
///   its going. (Not of a linked work tree, whose `.git` is a file.)
/// - A path that does not exist is no change; it is one when it is back.
class Watched {
  public:
    /// Of all paths together; the kernel's own default limit was 8,192 for all programs of a user.
    static constexpr std::size_t most_folders = 4'096;
    /// Looked at in one go, so that a folder with millions of files does not hold up the loop.
    static constexpr std::size_t most_entries = 100'000;

    /// Absolute paths. `own`: files and sockets that sluice itself writes, or has FPM write, at a
    /// reload; if they lie in a folder that is watched they would bring about the next one.
    explicit Watched(std::vector<std::string> paths, std::set<std::string> own = {});

    struct Changes {
        std::set<std::size_t> paths; // which of paths() changed
        bool lock_gone = false;      // an index.lock has gone
    };

    /// Reads what came, once, and watches what is new. Never waits.
    Changes read();

    const std::vector<std::string>& paths() const { return paths_; }

    bool exists(std::size_t path) const;

    /// The index.lock that is there just now, of the work tree of one of these paths. When it goes,
    /// read() tells so.
    std::optional<std::string> held_lock(const std::set<std::size_t>& paths);

    int descriptor() const { return inotify_.descriptor(); }

    /// "the folder /srv/app with 12 sub-folders", "the symlink /srv/app/current (not what it leads
    /// to)", "/srv/x, which does not exist yet".
    std::string what(std::size_t path) const;

    /// Sentences about what cannot be seen, and what to do; only those that are new since the last
    /// call.
    std::vector<std::string> take_troubles();

  private:
    struct Role {
        enum class Kind { on_the_way, leaf, file, content, lock } kind;
        std::size_t path;
        std::string name; // of the entry that matters; empty: all of them

        auto operator<=>(const Role&) const = default;
    };

    struct Place {
        std::string folder;
        std::set<Role> roles;
    };

    /// What lstat() tells of a path: tells whether it is still the same after things moved.
    struct Sight {
        dev_t device = 0;
        ino_t inode = 0;
        off_t size = 0;
        std::array<long, 2> changed{}; // seconds, nanoseconds
        bool is_folder = false;
        bool is_link = false;

        bool operator==(const Sight&) const = default;
    };

    static std::optional<Sight> look(const std::string& path);
    static std::string git_folder(const std::string& path, bool is_folder);
    static std::uint32_t mask_of(Role::Kind kind);
    bool is_on_way(const Role& role, const Place& place) const;
    bool add(const std::string& folder, Role role);
    void note_failure(const std::string& folder, const Role& role, int error);
    void note(const std::string& trouble);
    void note_place(std::size_t path);
    void rebuild(std::size_t path);
    void add_way(std::size_t path);
    void add_tree(std::size_t path, const std::string& top);
    void remove_tree(const std::string& top);
    void on_event(const Inotify::Event& event, Changes& changes);
    void on_gone(std::map<int, Place>::iterator gone, bool by_itself, Changes& changes);
    void on_entry(const Place& place, const Role& role, const Inotify::Event& event,
                  Changes& changes);
    void on_content(const Place& place, const Role& role, const Inotify::Event& event,
                    Changes& changes);
    void rebuild_stale(Changes& changes);

    bool is_own(const std::string& entry) const;

    std::vector<std::string> paths_;
    std::set<std::string> own_;
    Inotify inotify_;
    std::map<int, Place> places_; // by the kernel's number
    std::vector<std::optional<Sight>> sights_;
    // Paths whose way has to be gone again, and whether something else may be at its end then.
    std::map<std::size_t, bool> stale_;
    std::set<std::string> troubles_;
    std::vector<std::string> new_troubles_;
};

} // namespace sluice::os
