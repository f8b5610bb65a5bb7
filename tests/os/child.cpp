#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace tests {

Child::Child(const std::function<int()>& work) : pid_(::fork()) {
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::_exit(work());
}

Child::~Child() {
    kill();
}

int Child::status() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void Child::kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    status();
}

Signpost::Signpost() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    read_end_ = ends[0];
    write_end_ = ends[1];
}

Signpost::~Signpost() {
    ::close(read_end_);
    ::close(write_end_);
}

void Signpost::raise() const {
    if (::write(write_end_, "!", 1) != 1) ::abort();
}

bool Signpost::await() const {
    pollfd waiting{read_end_, POLLIN, 0};
    char byte = 0;
    return ::poll(&waiting, 1, 20'000) == 1 && ::read(read_end_, &byte, 1) == 1;
}

bool shell(const std::string& command) {
    return std::system(("{ " + command + "; } >/dev/null 2>&1").c_str()) == 0;
}

bool mounts_are_ours() {
    static const bool ours = ::unshare(CLONE_NEWNS) == 0 &&
                             ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return ours;
}

} // namespace tests
