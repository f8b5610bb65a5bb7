#include "pty.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>

#include <array>
#include <cstdlib>

#include "processes.h"

namespace tests {

Terminal::Terminal(const std::vector<std::string>& command, Mode mode)
    : master_(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    ::grantpt(master_.get());
    ::unlockpt(master_.get());
    const std::string name = ::ptsname(master_.get());
    std::vector<std::string> words;
    // setsid -c as root takes the terminal over from the session that holds it.
    if (mode == Mode::pid_1) {
        words = {"unshare", "-pf", "--mount-proc", "--kill-child", "setsid", "-c"};
    }
    words.insert(words.end(), command.begin(), command.end());
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    leader_ = ::fork();
    if (leader_ != 0) return;
    ::setsid();
    const int terminal = ::open(name.c_str(), O_RDWR); // becomes the controlling one
    for (const int fd : {0, 1, 2}) ::dup2(terminal, fd);
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    ::setenv("PS1", "prompt> ", 1);
    ::setenv("TERM", "dumb", 1);
    ::setenv("ENV", "", 1);
    ::execvp(argv[0], argv.data());
    ::_exit(99);
}

Terminal::~Terminal() {
    kill_tree(leader_);
    if (ended_) return;
    ::kill(leader_, SIGKILL);
    ::waitpid(leader_, nullptr, 0);
}

void Terminal::type(const std::string& keys) {
    CHECK(::write(master_.get(), keys.data(), keys.size()) == static_cast<ssize_t>(keys.size()));
}

void Terminal::resize(unsigned short lines, unsigned short columns) {
    const winsize size{.ws_row = lines, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    CHECK(::ioctl(master_.get(), TIOCSWINSZ, &size) == 0);
}

void Terminal::read_screen() {
    int bytes = 0;
    while (::ioctl(master_.get(), FIONREAD, &bytes) == 0 && bytes > 0) {
        std::array<char, 4'096> buffer;
        const auto size = ::read(master_.get(), buffer.data(), buffer.size());
        if (size <= 0) return;
        screen_.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

bool Terminal::shows(const std::string& text) {
    const bool found = eventually([&] {
        read_screen();
        return screen_.find(text, seen_) != std::string::npos;
    });
    if (found) seen_ = screen_.find(text, seen_) + text.size();
    return found;
}

pid_t Terminal::foreground() const {
    pid_t group = -1;
    ::ioctl(master_.get(), TIOCGPGRP, &group);
    return group;
}

pid_t Terminal::foreground_program(const std::string& name) {
    pid_t found = -1;
    const bool there = eventually([&] {
        for (const pid_t process : descendants_of(leader_)) {
            const auto state = state_of(process);
            if (program_of(process).ends_with("/" + name) && state &&
                state->group == foreground()) {
                found = process;
            }
        }
        return found > 0;
    });
    INFO(screen_);
    REQUIRE(there);
    return found;
}

int Terminal::exit_status() {
    int status = 0;
    ended_ = eventually([&] {
        read_screen();
        return ::waitpid(leader_, &status, WNOHANG) == leader_;
    });
    read_screen();
    INFO(screen_);
    CHECK(ended_);
    if (!ended_) return -1;
    return WIFSIGNALED(status) ? 1'000 + WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace tests
