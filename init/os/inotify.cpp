#include "init/os/inotify.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sluice::os {

Inotify::Inotify() : file_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)), error_(file_ ? 0 : errno) {}

int Inotify::add(const std::string& path, std::uint32_t mask) const {
    if (!file_) return -error_;
    const int watch =
        ::inotify_add_watch(file_.get(), path.c_str(), mask | IN_MASK_ADD | IN_EXCL_UNLINK);
    return watch < 0 ? -errno : watch;
}

void Inotify::remove(int watch) const {
    ::inotify_rm_watch(file_.get(), watch); // EINVAL: it went with its folder
}

std::vector<Inotify::Event> Inotify::read() const {
    constexpr std::size_t most = std::size_t{64} * 1'024;
    std::vector<Event> events;
    if (!file_) return events;
    std::vector<char> buffer(most);
    const auto size = ::read(file_.get(), buffer.data(), buffer.size());
    for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
        inotify_event header{};
        std::memcpy(&header, buffer.data() + at, sizeof header);
        at += sizeof header;
        // The name is padded with zeros up to `len`.
        const char* const name = buffer.data() + at;
        events.push_back({header.wd, header.mask, std::string(name, ::strnlen(name, header.len))});
        at += header.len;
    }
    return events;
}

} // namespace sluice::os
