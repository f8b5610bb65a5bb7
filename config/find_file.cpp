#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/environment.h"
#include "config/load.h"
#include "config/quote.h"

namespace sluice::config {

namespace {

constexpr std::size_t largest_file = 1024UL * 1024;
constexpr const char* usual_path = "/etc/sluice.toml";

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }

    int get() const { return fd_; }

  private:
    int fd_;
};

// Which file, and by what it was named: "--config", "SLUICE_CONFIG", nothing for the usual one.
struct Choice {
    std::string path;
    std::string named_by;
};

Choice choose(const std::optional<std::string>& option,
              const std::vector<std::string>& environment) {
    if (option) return {*option, "--config"};
    auto path = value_of("SLUICE_CONFIG", environment);
    if (!path.empty()) return {std::move(path), "SLUICE_CONFIG"};
    return {usual_path, ""};
}

std::string next_step(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR: return "mount it or copy it into the image, or name the right path";
    case EACCES:
        return "make the file readable, and the folders above it searchable, for the user " +
               std::to_string(::geteuid());
    case EISDIR:
        return "Docker makes a folder where a bind mount's file is missing on the host: create the "
               "file there, remove the folder, and start again";
    case EFBIG: return "a configuration has at most 1 MiB; name the right file";
    case EINVAL: return "it is neither a regular file nor a device; name a file";
    default: return "mend that, or name another file with --config";
    }
}

int kind_of_file_error(int fd) {
    struct stat status {};

    if (::fstat(fd, &status) != 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    // Devices are let through for /dev/null, "no file"; a pipe without a writer would read as an
    // empty configuration.
    if (!S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode)) return EINVAL;
    return 0;
}

// Appends the file to `text`; 0 or an errno.
int read_all(int fd, std::string& text) {
    // One byte more than allowed tells a file that is too large, whatever its stated size is.
    std::string buffer(16UL * 1024, '\0');
    while (text.size() <= largest_file) {
        const auto got = ::read(fd, buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return 0;
        text.append(buffer, 0, static_cast<std::size_t>(got));
    }
    return EFBIG;
}

// 0 or an errno.
int read_file(const std::string& path, std::string& text) {
    // A NUL would silently cut the path.
    if (path.find('\0') != std::string::npos) return ENOENT;
    // PID 1 must not hang in the open() of a pipe.
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (file.get() < 0) return errno;
    if (const int error = kind_of_file_error(file.get()); error != 0) return error;
    return read_all(file.get(), text);
}

} // namespace

std::optional<File> find_file(const std::optional<std::string>& option,
                              const std::vector<std::string>& environment, Problems& problems) {
    auto [path, named_by] = choose(option, environment);
    std::string text;
    const int error = read_file(path, text);
    if (error == 0) return File{std::move(path), std::move(text)};
    if (error == ENOENT && named_by.empty()) return {};
    const auto where = path.empty() ? std::string("\"\"") : escaped(path);
    problems.push_back(
        {where, std::move(named_by),
         std::string("cannot be read: ") + std::strerror(error) + "; " + next_step(error)});
    return {};
}

} // namespace sluice::config
