#include "init/os/descriptors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "init/os/proc.h"

namespace sluice::os {

void occupy_standard_descriptors() {
    for (;;) {
        const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd >= 0 && fd <= STDERR_FILENO) continue;
        if (fd >= 0) ::close(fd);
        return;
    }
}

std::vector<int> inherited_descriptors() {
    std::vector<int> found;
    for (const int fd : open_descriptors()) {
        // Those with CLOEXEC would not have survived our own exec: they were opened since.
        const int flags = ::fcntl(fd, F_GETFD);
        if (fd > STDERR_FILENO && flags >= 0 && (flags & FD_CLOEXEC) == 0) found.push_back(fd);
    }
    return found;
}

void close_all(const std::vector<int>& descriptors) {
    for (const int fd : descriptors) ::close(fd);
}

Descriptor file_in_memory(const std::string& name, const std::string& text, Readers readers) {
    constexpr int lowest = 20;
    // FPM's workers inherit it, and may run as its owner, who may change its mode: PHP code could
    // rewrite what the master reads at its next start. So it is sealed as well.
    constexpr int sealed = F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
    const mode_t mode = readers == Readers::all ? 0444 : 0400;
    const Descriptor made(::memfd_create(name.c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!made || ::fchmod(made.get(), mode) != 0 ||
        ::write(made.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        ::fcntl(made.get(), F_ADD_SEALS, sealed) != 0) {
        throw std::system_error(errno, std::generic_category(), "memfd_create: write " + name);
    }
    // What can be read through the descriptor itself a pool's PHP code could have read to it, with
    // the env[] of all the others.
    const Descriptor path(::open(path_of(made).c_str(), O_PATH | O_CLOEXEC));
    Descriptor file(path ? ::fcntl(path.get(), F_DUPFD_CLOEXEC, lowest) : -1);
    if (!file) throw std::system_error(errno, std::generic_category(), "open " + path_of(made));
    return file;
}

std::string path_of(const Descriptor& file) {
    return "/proc/self/fd/" + std::to_string(file.get());
}

} // namespace sluice::os
