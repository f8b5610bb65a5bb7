#include "temp_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include "descriptor.h"

namespace tests {

Pipe::Pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
        throw std::system_error(errno, std::generic_category(), "pipe2");
    }
    read_end = Descriptor(ends[0]);
    write_end = Descriptor(ends[1]);
}

TempFolder::TempFolder() {
    std::string name = std::filesystem::temp_directory_path() / "sluice-test.XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
    ::chmod(path_.c_str(), 0755); // FPM's workers are another user
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string TempFolder::path(const std::string& name) const {
    return name.empty() ? path_ : path_ + "/" + name;
}

std::string TempFolder::write(const std::string& name, const std::string& text,
                              unsigned mode) const {
    const auto file = path(name);
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
    if (::chmod(file.c_str(), mode) != 0) throw std::runtime_error("cannot write " + file);
    return file;
}

bool TempFolder::has(const std::string& name) const {
    return std::filesystem::exists(path(name));
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

} // namespace tests
