#include "init/os/text_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

// A mountinfo of a node with hundreds of containers is the largest.
constexpr std::size_t most_text = std::size_t{1'024} * 1'024;

// False: some of it could not be read, or is left.
bool read_into(std::string& text, const Descriptor& file) {
    std::array<char, 4'096> buffer;
    while (text.size() < most_text) {
        const auto size = ::read(file.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return size == 0;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return false;
}

} // namespace

std::string text_of(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (file) read_into(text, file);
    return text;
}

std::optional<std::string> whole_text_of(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));

    struct stat status {};

    if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    std::string text;
    if (!read_into(text, file)) return {};
    return text;
}

} // namespace sluice::os
