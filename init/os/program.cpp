#include "init/os/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

// 0, or errno. A folder can be "executed" as far as access(2) is concerned.
int executable_error(const std::string& path) {
    struct stat status {};

    if (::stat(path.c_str(), &status) != 0) return errno;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

} // namespace

Program find_program(const std::string& name, const std::string& search_path) {
    if (name.find('/') != std::string::npos) return {name, executable_error(name)};
    if (name.empty()) return {name, ENOENT};
    std::string_view rest = "/usr/local/bin:/usr/bin:/bin";
    if (!search_path.empty()) rest = search_path;
    Program unusable{name, ENOENT};
    for (bool last = false; !last;) {
        const auto colon = rest.find(':');
        last = colon == std::string_view::npos;
        const auto folder = rest.substr(0, colon);
        if (!last) rest.remove_prefix(colon + 1);
        auto path = folder.empty() ? name : std::string(folder) + "/" + name;
        const int error = executable_error(path);
        if (error == 0) return {std::move(path), 0};
        // As execvp does: go on looking, but remember that there was one.
        if (error != ENOENT && error != ENOTDIR && unusable.error == ENOENT) {
            unusable = {std::move(path), error};
        }
    }
    return unusable;
}

bool is_script(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 2> start{};
    return file && ::read(file.get(), start.data(), start.size()) == 2 && start[0] == '#' &&
           start[1] == '!';
}

std::string variable(const std::vector<std::string>& environment, const std::string& name) {
    for (const auto& entry : environment) {
        if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
            return entry.substr(name.size() + 1);
        }
    }
    return {};
}

} // namespace sluice::os
