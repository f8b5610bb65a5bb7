#include "init/os/private_folder.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sluice::os {

std::optional<PrivateFolder> PrivateFolder::make() {
    for (const char* const place : {"/run", "/dev/shm", "/tmp"}) {
        auto path = std::string(place) + "/sluice-XXXXXX";
        if (::mkdtemp(path.data()) != nullptr) return PrivateFolder(std::move(path)); // mode 0700
    }
    return {};
}

PrivateFolder::~PrivateFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

} // namespace sluice::os
