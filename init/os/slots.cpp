#include "init/os/slots.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <optional>

namespace sluice::os {

namespace {

// O_NONBLOCK: a FIFO of that name would hold us up for ever.
constexpr int open_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

int create(int folder, const std::string& name) {
    // All users' containers open it. The loop has one thread: nobody else makes a file meanwhile.
    const auto mask = ::umask(0);
    const int fd = ::openat(folder, name.c_str(), open_flags | O_CREAT | O_EXCL, 0666);
    const int error = errno;
    ::umask(mask);
    errno = error;
    return fd;
}

// First without O_CREAT, which fs.protected_regular forbids for a file of another user in a folder
// like /tmp.
Descriptor open_file(int folder, const std::string& name) {
    for (int attempt = 0; attempt < 3; ++attempt) {
        Descriptor found(::openat(folder, name.c_str(), open_flags));
        if (found || errno != ENOENT) return found;
        Descriptor made(create(folder, name));
        if (made || errno != EEXIST) return made; // else somebody was quicker
    }
    return {};
}

bool is_regular(int fd) {
    struct stat file {};

    return ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

// The file may have been deleted between open and lock: then the lock says nothing to anybody.
bool leads_to(int folder, const std::string& name, int fd) {
    struct stat opened {};

    struct stat named {};

    return ::fstat(fd, &opened) == 0 &&
           ::fstatat(folder, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

std::string cure_for(int error, const std::string& path) {
    switch (error) {
    case EROFS: return "mount the folder read-write, or make the files on the host (touch)";
    case EACCES:
    case EPERM:
        return "let this container's user (uid " + std::to_string(::geteuid()) +
               ") write to the folder (chmod 1777), or make the files on the host (touch, chmod "
               "666)";
    case ELOOP: return "it is a symbolic link: remove it, " + path + " has to be an ordinary file";
    case EBADF:
        return "its file system gives locks only to who may write (NFS): use a folder on the "
               "node's own disk or in its memory";
    case ENOLCK:
    case EOPNOTSUPP:
    case ENOSYS:
        return "its file system has no locks: use a folder on the node's own disk or in its memory";
    default: return "see to it, or take reload.slots_dir out";
    }
}

std::string trouble_with(const std::string& what, const std::string& path, int error) {
    return "reload.slots_dir: cannot " + what + ' ' + path + ": " + std::strerror(error) + "; " +
           cure_for(error, path);
}

struct Held {};

std::variant<Slot, Held, std::string> try_slot(int folder, const std::string& folder_path,
                                               int number) {
    const auto name = "slot-" + std::to_string(number);
    const auto path = folder_path + '/' + name;
    for (int attempt = 0; attempt < 3; ++attempt) {
        auto file = open_file(folder, name);
        if (!file) return trouble_with("open", path, errno);
        if (!is_regular(file.get())) {
            return "reload.slots_dir: " + path + " is not an ordinary file; remove it";
        }
        if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK || errno == EINTR) return Held{};
            return trouble_with("lock", path, errno);
        }
        if (leads_to(folder, name, file.get())) return Slot(std::move(file), number);
    }
    return Held{}; // somebody keeps deleting it
}

} // namespace

Slot& Slot::operator=(Slot&& other) noexcept {
    if (this != &other) {
        release();
        file_ = std::move(other.file_);
        number_ = other.number_;
    }
    return *this;
}

Slot::~Slot() {
    release();
}

void Slot::release() {
    if (!file_) return;
    ::flock(file_.get(), LOCK_UN); // not close alone: a child may not have executed yet
    file_ = Descriptor();
}

std::variant<Slot, Busy, std::string> Slots::try_take() const {
    const Descriptor folder(::open(folder_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!folder) {
        const int error = errno;
        return "reload.slots_dir: cannot open the folder " + folder_ + ": " + std::strerror(error) +
               "; mount one folder of the host there in every container of the node";
    }
    bool held = false;
    std::optional<std::string> trouble;
    for (int number = 1; number <= count_; ++number) {
        auto tried = try_slot(folder.get(), folder_, number);
        if (auto* const slot = std::get_if<Slot>(&tried)) return std::move(*slot);
        if (auto* const text = std::get_if<std::string>(&tried)) {
            if (!trouble) trouble = std::move(*text);
        } else {
            held = true;
        }
    }
    if (held || !trouble) return Busy{trouble.value_or("")};
    return std::move(*trouble);
}

} // namespace sluice::os
