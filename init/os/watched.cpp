#include "init/os/watched.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <utility>

#include "init/core/words.h"
#include "init/os/file_system.h"
#include "init/os/folders.h"

namespace sluice::os {

namespace {

constexpr std::uint32_t came = IN_CREATE | IN_MOVED_TO;
constexpr std::uint32_t went = IN_DELETE | IN_MOVED_FROM;
constexpr std::uint32_t self_went = IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED;

constexpr auto git = ".git";
constexpr auto index_lock = "index.lock";
constexpr auto instead = "run \"sluice reload\" at the end of the deploy instead";

/// True while a new file is written: it counts when it is closed. A link to a finished file, by
/// contrast, is only created.
bool is_unfinished(const std::string& path) {
    struct stat file {};

    return ::lstat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink == 1;
}

bool is_socket(const std::string& path) {
    struct stat file {};

    return ::lstat(path.c_str(), &file) == 0 && S_ISSOCK(file.st_mode);
}

} // namespace

Watched::Watched(std::vector<std::string> paths, std::set<std::string> own)
    : paths_(std::move(paths)), own_(std::move(own)), sights_(paths_.size()) {
    for (auto& path : paths_) path = without_last_slash(std::move(path));
    for (std::size_t path = 0; path < paths_.size(); ++path) rebuild(path);
}

std::optional<Watched::Sight> Watched::look(const std::string& path) {
    struct stat file {};

    if (::lstat(path.c_str(), &file) != 0) return {};
    Sight sight{.device = file.st_dev,
                .inode = file.st_ino,
                .is_folder = S_ISDIR(file.st_mode),
                .is_link = S_ISLNK(file.st_mode)};
    if (!sight.is_folder) { // a folder's change with its entries, which tell themselves
        sight.size = file.st_size;
        sight.changed = {file.st_mtim.tv_sec, file.st_mtim.tv_nsec};
    }
    return sight;
}

bool Watched::exists(std::size_t path) const {
    return look(paths_[path]).has_value();
}

/// The nearest `.git` of a work tree that this is or lies in; empty if there is none.
std::string Watched::git_folder(const std::string& path, bool is_folder) {
    for (auto folder = is_folder ? path : folder_of(path);; folder = folder_of(folder)) {
        auto candidate = joined(folder, git);
        const auto sight = look(candidate);
        if (sight && sight->is_folder) return candidate;
        if (folder == "/") return {};
    }
}

std::uint32_t Watched::mask_of(Role::Kind kind) {
    constexpr std::uint32_t folder = came | went | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
    switch (kind) {
    case Role::Kind::leaf: return folder | IN_CLOSE_WRITE | IN_ATTRIB;
    case Role::Kind::file: return IN_CLOSE_WRITE | IN_DONT_FOLLOW;
    case Role::Kind::content: return folder | IN_CLOSE_WRITE | IN_DONT_FOLLOW;
    case Role::Kind::on_the_way:
    case Role::Kind::lock: break;
    }
    return folder;
}

bool Watched::add(const std::string& folder, Role role) {
    const int watch = inotify_.add(folder, mask_of(role.kind));
    if (watch < 0) {
        note_failure(folder, role, -watch);
        return false;
    }
    auto& place = places_.try_emplace(watch, Place{folder, {}}).first->second;
    if (role.kind == Role::Kind::content) place.folder = folder; // the name without links
    place.roles.insert(std::move(role));
    return true;
}

void Watched::note_failure(const std::string& folder, const Role& role, int error) {
    if (error == ENOENT || error == ENOTDIR || error == ELOOP) return; // its folder will tell
    // A folder that may only be passed through: what is behind it is watched all the same.
    if (error == EACCES && role.kind == Role::Kind::on_the_way && look(joined(folder, role.name))) {
        return;
    }
    std::string text = "reload.watch: ";
    if (inotify_.error() != 0) {
        text += "nothing is watched: inotify: ";
        text += std::strerror(error);
        if (error == EMFILE) {
            text += " (fs.inotify.max_user_instances or the limit of open files); raise it";
        }
    } else if (error == ENOSPC) {
        text += paths_[role.path];
        text += " is not watched whole: this user's inotify watches are used up; raise "
                "fs.inotify.max_user_watches on the host";
    } else {
        text += folder;
        text += " cannot be watched: ";
        text += std::strerror(error);
        text += "; let this user read it";
    }
    note(text + ", or " + instead);
}

void Watched::note(const std::string& trouble) {
    constexpr std::size_t most_troubles =
        32; // each is said once, and they are not collected for ever
    if (troubles_.size() >= most_troubles || !troubles_.insert(trouble).second) return;
    new_troubles_.push_back(trouble);
}

std::vector<std::string> Watched::take_troubles() {
    return std::exchange(new_troubles_, {});
}

/// Goes the whole way anew; watches that nobody needs any more are given up last, so that none is
/// ever interrupted.
void Watched::rebuild(std::size_t path) {
    for (auto& [watch, place] : places_) {
        std::erase_if(place.roles, [path](const Role& role) { return role.path == path; });
    }
    add_way(path);
    sights_[path] = look(paths_[path]);
    if (sights_[path] && sights_[path]->is_folder) {
        add_tree(path, paths_[path]);
    } else if (sights_[path] && !sights_[path]->is_link) {
        add(paths_[path], {Role::Kind::file, path, {}});
    }
    std::erase_if(places_, [this](const auto& entry) {
        if (!entry.second.roles.empty()) return false;
        inotify_.remove(entry.first);
        return true;
    });
    note_place(path);
}

void Watched::note_place(std::size_t path) {
    const auto& name = paths_[path];
    const auto& sight = sights_[path];
    if (const auto silent = silent_file_system(sight && sight->is_link ? folder_of(name) : name)) {
        note("reload.watch: " + name + ' ' + *silent + "; " + instead);
    }
    if (sight && !sight->is_folder && is_mount(name)) {
        note("reload.watch: " + name +
             " is mounted alone: what is renamed over it outside, as most "
             "programs do to write it anew, is never seen here; mount the folder that it is in");
    }
}

void Watched::add_way(std::size_t path) {
    const auto& whole = paths_[path];
    std::string folder = "/";
    for (std::size_t at = 1; at < whole.size();) {
        const auto end = std::min(whole.find('/', at), whole.size());
        const auto name = whole.substr(at, end - at);
        at = end + 1;
        if (name.empty()) continue;
        const auto kind = end == whole.size() ? Role::Kind::leaf : Role::Kind::on_the_way;
        add(folder, {kind, path, name});
        folder = joined(folder, name);
    }
}

void Watched::add_tree(std::size_t path, const std::string& top) {
    std::size_t looked_at = 0;
    std::deque<std::string> waiting{top};
    while (!waiting.empty()) {
        if (places_.size() >= most_folders || looked_at >= most_entries) {
            note("reload.watch: " + paths_[path] + " is too large to be watched whole (" +
                 std::to_string(most_folders) + " folders, " + std::to_string(most_entries) +
                 " entries): changes deep in it are not seen; name a file that the deploy writes "
                 "last, or a symlink that it flips");
            return;
        }
        const auto folder = std::move(waiting.front());
        waiting.pop_front();
        // First the watch, then the look: what comes between the two is reported.
        if (!add(folder, {Role::Kind::content, path, {}})) continue;
        for (const auto& name : sub_folders(folder, git, looked_at, most_entries)) {
            waiting.push_back(joined(folder, name));
        }
    }
}

/// The folders that went with a folder: moved away, they would go on telling about themselves.
void Watched::remove_tree(const std::string& top) {
    for (auto entry = places_.begin(); entry != places_.end();) {
        auto& [watch, place] = *entry;
        if (is_below(place.folder, top)) {
            std::erase_if(place.roles,
                          [](const Role& role) { return role.kind == Role::Kind::content; });
        }
        if (place.roles.empty()) {
            inotify_.remove(watch);
            entry = places_.erase(entry);
        } else {
            ++entry;
        }
    }
}

Watched::Changes Watched::read() {
    Changes changes;
    for (const auto& event : inotify_.read()) {
        on_event(event, changes);
    }
    rebuild_stale(changes);
    return changes;
}

void Watched::on_event(const Inotify::Event& event, Changes& changes) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
        for (std::size_t path = 0; path < paths_.size(); ++path) {
            stale_[path] = true;
            changes.paths.insert(path);
        }
        changes.lock_gone = true; // perhaps: it is looked for again
        return;
    }
    const auto found = places_.find(event.watch);
    if (found == places_.end()) return; // the last words of a watch that was given up
    if ((event.mask & self_went) != 0) {
        on_gone(found, (event.mask & IN_IGNORED) != 0, changes);
        return;
    }
    const auto place = found->second; // a copy: places may come and go meanwhile
    for (const auto& role : place.roles) {
        if (role.kind == Role::Kind::content) {
            on_content(place, role, event, changes);
        } else if (role.kind == Role::Kind::file) {
            changes.paths.insert(role.path);
        } else if (role.name == event.name) {
            on_entry(place, role, event, changes);
        }
    }
}

bool Watched::is_on_way(const Role& role, const Place& place) const {
    switch (role.kind) {
    case Role::Kind::on_the_way:
    case Role::Kind::leaf: return true;
    case Role::Kind::content: return place.folder == paths_[role.path];
    case Role::Kind::file:
    case Role::Kind::lock: break;
    }
    return false;
}

/// The watch means nothing any more, or what it is on has another name.
void Watched::on_gone(std::map<int, Place>::iterator gone, bool by_itself, Changes& changes) {
    const auto& [watch, place] = *gone;
    for (const auto& role : place.roles) {
        if (role.kind == Role::Kind::lock) {
            changes.lock_gone = true;
        } else if (is_on_way(role, place)) {
            stale_[role.path] = true;
        } // a sub-folder, or a file: the folder that it was in has told
    }
    if (!by_itself) inotify_.remove(watch);
    places_.erase(gone);
}

void Watched::on_entry(const Place& place, const Role& role, const Inotify::Event& event,
                       Changes& changes) {
    const bool moves = (event.mask & (came | went)) != 0;
    if (role.kind == Role::Kind::lock) {
        if ((event.mask & went) != 0) changes.lock_gone = true;
    } else if (role.kind == Role::Kind::on_the_way) {
        if (moves) stale_[role.path] = true;
    } else {
        if (moves) stale_.try_emplace(role.path, false);
        // A folder's own attributes say nothing about what is in it.
        if (!moves && (event.mask & IN_ISDIR) != 0) return;
        if ((event.mask & IN_CREATE) != 0 && is_unfinished(joined(place.folder, role.name))) return;
        changes.paths.insert(role.path);
    }
}

void Watched::on_content(const Place& place, const Role& role, const Inotify::Event& event,
                         Changes& changes) {
    if ((event.mask & (came | went | IN_CLOSE_WRITE)) == 0 || event.name == git) return;
    const auto entry = joined(place.folder, event.name);
    if ((event.mask & IN_CREATE) != 0 && is_unfinished(entry)) return;
    if (is_own(entry)) return;
    changes.paths.insert(role.path);
    if ((event.mask & IN_ISDIR) == 0) return;
    if ((event.mask & IN_MOVED_FROM) != 0) remove_tree(entry);
    if ((event.mask & came) != 0) add_tree(role.path, entry);
}

// What is written anew gets a name of its own first: "fpm.sock.sluice-0a1b2c3d", "fpm.pid.sluice",
// where the path would be too long "/run/.sluice-0a1b2c3d".
bool Watched::is_own(const std::string& entry) const {
    const auto mark = entry.rfind(".sluice");
    const auto last = mark == std::string::npos ? "" : entry.substr(mark);
    if (last == ".sluice" || last.starts_with(".sluice-")) return true;
    return own_.contains(entry) || is_socket(entry);
}

void Watched::rebuild_stale(Changes& changes) {
    for (const auto& [path, may_be_another] : std::exchange(stale_, {})) {
        const auto before = sights_[path];
        rebuild(path);
        if (may_be_another && sights_[path] && sights_[path] != before) changes.paths.insert(path);
    }
}

std::optional<std::string> Watched::held_lock(const std::set<std::size_t>& paths) {
    for (const auto path : paths) {
        const auto folder = git_folder(paths_[path], sights_[path] && sights_[path]->is_folder);
        if (folder.empty()) continue;
        // First the watch: a lock that goes after the look is reported.
        add(folder, {Role::Kind::lock, path, index_lock});
        auto lock = joined(folder, index_lock);
        if (look(lock)) return lock;
    }
    return {};
}

std::string Watched::what(std::size_t path) const {
    const auto& name = paths_[path];
    const auto& sight = sights_[path];
    if (!sight) return name + ", which does not exist yet";
    if (sight->is_link) return "the symlink " + name + " (not what it leads to)";
    if (!sight->is_folder) return "the file " + name;
    std::int64_t folders = -1; // without itself
    for (const auto& [watch, place] : places_) {
        folders += static_cast<std::int64_t>(place.roles.contains({Role::Kind::content, path, {}}));
    }
    auto text = "the folder " + name;
    if (folders > 0) text += " with " + core::count_of(folders, "sub-folder");
    return text;
}

} // namespace sluice::os
