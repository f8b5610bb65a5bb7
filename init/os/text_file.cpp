#include "init/os/text_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

// A mountinfo of a node with hundreds of containers is the largest.
constexpr std::size_t most_text = std::size_t{1'024} * 1'024;

} // namespace

std::string text_of(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (!file) return text;
    std::array<char, 4'096> buffer;
    while (text.size() < most_text) {
        const auto size = ::read(file.get(), buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return text;
}

} // namespace sluice::os
