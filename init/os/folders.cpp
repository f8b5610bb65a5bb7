#include "init/os/folders.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace sluice::os {

namespace {

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

bool is_folder(DIR* folder, const dirent& entry) {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;

    struct stat file {}; // some file systems do not tell

    const auto* const name = static_cast<const char*>(entry.d_name);
    return ::fstatat(::dirfd(folder), name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(file.st_mode);
}

} // namespace

std::string without_last_slash(std::string path) {
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    return path;
}

std::string joined(const std::string& folder, const std::string& name) {
    return folder == "/" ? folder + name : folder + '/' + name;
}

std::string folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

bool is_below(const std::string& path, const std::string& top) {
    return path == top || path.starts_with(top + '/');
}

std::vector<std::string> sub_folders(const std::string& path, const std::string& skipped,
                                     std::size_t& looked_at, std::size_t most) {
    std::vector<std::string> names;
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return names;
    const std::unique_ptr<DIR, CloseFolder> folder(::fdopendir(fd));
    if (!folder) {
        ::close(fd);
        return names;
    }
    while (looked_at < most) {
        const dirent* const entry = ::readdir(folder.get());
        if (entry == nullptr) break;
        ++looked_at;
        const std::string name(static_cast<const char*>(entry->d_name));
        if (name == "." || name == ".." || name == skipped) continue;
        if (is_folder(folder.get(), *entry)) names.push_back(name);
    }
    return names;
}

} // namespace sluice::os
