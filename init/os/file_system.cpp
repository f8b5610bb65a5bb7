#include "init/os/file_system.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace sluice::os {

namespace {

struct Silent {
    std::uint32_t magic; // linux/magic.h, and the file systems' own sources
    const char* reason;
};

constexpr std::array silent_ones{
    Silent{0x6969, "is on NFS, which sends no events of what other machines change"},
    Silent{0xff534d42, "is on CIFS, which sends no events of what other machines change"},
    Silent{0xfe534d42, "is on SMB, which sends no events of what other machines change"},
    Silent{0x00c36400, "is on Ceph, which sends no events of what other machines change"},
    Silent{0x65735546,
           "is on FUSE or virtiofs, which sends no events of what is changed behind it"},
    Silent{0x01021997, "is on 9p, which sends no events of what its host changes"},
    Silent{0x786f4256, "is a shared folder of VirtualBox, which sends no events of what the host "
                       "changes"},
    Silent{0x794c7630,
           "is in the image (overlay), where changes made from the host send no events"},
    Silent{0x9fa0, "is in /proc, which sends no events"},
    Silent{0x62656572, "is in /sys, which sends no events"},
};

} // namespace

std::optional<std::string> silent_file_system(std::string path) {
    struct statfs system {};

    while (::statfs(path.c_str(), &system) != 0) {
        const auto slash = path.rfind('/');
        if (slash == std::string::npos || path == "/") return {};
        path.resize(std::max<std::size_t>(slash, 1));
    }
    // The field is wider than the numbers, and some are sign-extended.
    const auto magic = static_cast<std::uint32_t>(system.f_type);
    const auto* const found = std::ranges::find(silent_ones, magic, &Silent::magic);
    if (found == silent_ones.end()) return {};
    return found->reason;
}

bool is_mount(const std::string& path) {
    struct statx file {};

    return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &file) == 0 &&
           (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

std::optional<std::vector<std::string>> paths_matching(const std::string& pattern) {
    glob_t found{};
    const int status = ::glob(pattern.c_str(), GLOB_ERR | GLOB_MARK, nullptr, &found);
    std::optional<std::vector<std::string>> paths;
    if (status == 0) paths.emplace(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    if (status == GLOB_NOMATCH) paths.emplace();
    ::globfree(&found);
    return paths;
}

} // namespace sluice::os
