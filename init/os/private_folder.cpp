#include "init/os/private_folder.h"

#include <unistd.h>

#include <cstdlib>
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
    if (!path_.empty()) ::rmdir(path_.c_str());
}

} // namespace sluice::os
