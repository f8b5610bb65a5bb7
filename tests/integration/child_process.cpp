#include "child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <system_error>

#include "processes.h"

namespace tests {

namespace {

std::vector<std::string> as_list(const std::map<std::string, std::string>& extra) {
    std::map<std::string, std::string> all{
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"HOME", "/"},
        {"LANG", "C"}};
    for (const char* const name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"}) {
        if (const char* const value = std::getenv(name)) all[name] = value;
    }
    for (const auto& [name, value] : extra) all[name] = value;
    std::vector<std::string> list;
    for (const auto& [name, value] : all) list.push_back(name + "=" + value);
    return list;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> result;
    for (auto& string : strings) result.push_back(string.data());
    result.push_back(nullptr);
    return result;
}

bool is_empty(const Descriptor& pipe) {
    int bytes = 0;
    return ::ioctl(pipe.get(), FIONREAD, &bytes) == 0 && bytes == 0;
}

} // namespace

ChildProcess::ChildProcess(const Start& start) {
    Pipe out;
    Pipe err;
    auto words = start.command;
    auto variables = as_list(start.environment);
    const auto argv = pointers(words);
    const auto envp = pointers(variables);
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
        ::setpgid(0, 0);
        ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
        ::dup2(out.write_end.get(), STDOUT_FILENO);
        ::dup2(err.write_end.get(), STDERR_FILENO);
        // What the tests themselves were started with is not the service's.
        ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        if (start.before_exec) start.before_exec();
        ::execvpe(argv[0], argv.data(), envp.data());
        ::_exit(99);
    }
    ::setpgid(pid_, pid_);
    out_end_ = std::move(out.read_end);
    err_end_ = std::move(err.read_end);
    reader_ = std::thread([this] { read_output(); });
}

ChildProcess::~ChildProcess() {
    kill_tree(pid_);
    if (!status_) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    // A process that escaped may still hold the pipes: the reader is told to end, not waited for.
    wake_.write_end.close();
    reader_.join();
}

void ChildProcess::read_output() {
    std::array<pollfd, 3> sources{pollfd{out_end_.get(), POLLIN, 0},
                                  pollfd{err_end_.get(), POLLIN, 0},
                                  pollfd{wake_.read_end.get(), POLLIN, 0}};
    std::array<char, 65'536> buffer;
    while (sources[0].fd >= 0 || sources[1].fd >= 0) {
        if (::poll(sources.data(), sources.size(), -1) < 0) continue;
        for (std::size_t at : {0U, 1U}) {
            if (sources.at(at).fd < 0 || sources.at(at).revents == 0) continue;
            // Read under the lock: an empty pipe then means that all of it is in the strings.
            const std::scoped_lock lock(mutex_);
            const auto size = ::read(sources.at(at).fd, buffer.data(), buffer.size());
            if (size > 0) {
                (at == 0 ? out_ : err_).append(buffer.data(), static_cast<std::size_t>(size));
            } else if (size == 0 || errno != EINTR) {
                sources.at(at).fd = -1;
            }
            changed_.notify_all();
        }
        if (sources[2].revents != 0 && sources[0].revents == 0 && sources[1].revents == 0) break;
    }
    const std::scoped_lock lock(mutex_);
    at_end_ = true;
    changed_.notify_all();
}

std::string ChildProcess::out() {
    const std::scoped_lock lock(mutex_);
    return out_;
}

std::string ChildProcess::err() {
    const std::scoped_lock lock(mutex_);
    return err_;
}

bool ChildProcess::says(const std::string& text, int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
        return occurrences(out_, text) >= times || at_end_;
    }) && occurrences(out_, text) >= times;
}

bool ChildProcess::logs(const std::string& text, int times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] {
        return occurrences(err_, text) >= times || at_end_;
    }) && occurrences(err_, text) >= times;
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds limit) {
    if (status_) return status_;
    int status = 0;
    const auto ended = [&] { return ::waitpid(pid_, &status, WNOHANG) == pid_; };
    if (!(limit == 0ms ? ended() : eventually(ended, limit))) return {};
    status_ = status;
    // Not until the pipes end: what outlives the program keeps them open.
    eventually([this] {
        const std::scoped_lock lock(mutex_);
        return at_end_ || (is_empty(out_end_) && is_empty(err_end_));
    });
    return status_;
}

int occurrences(const std::string& text, const std::string& of) {
    int count = 0;
    for (auto at = text.find(of); at != std::string::npos; at = text.find(of, at + of.size()))
        ++count;
    return count;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

} // namespace tests
