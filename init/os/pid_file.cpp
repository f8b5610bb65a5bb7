#include "init/os/pid_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "init/os/descriptor.h"

namespace sluice::os {

int write_pid_file(const std::string& path, pid_t pid) {
    const auto beside = path + ".sluice";
    ::unlink(beside.c_str());
    {
        const Descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
        if (!file) return errno;
        const auto text = std::to_string(pid);
        if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
            ::unlink(beside.c_str());
            return EIO;
        }
    }
    if (std::rename(beside.c_str(), path.c_str()) == 0) return 0;
    const int error = errno;
    ::unlink(beside.c_str());
    return error;
}

} // namespace sluice::os
