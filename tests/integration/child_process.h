#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "await.h"
#include "descriptor.h"

namespace tests {

/// A program that is started in a process group of its own, with its stdin on /dev/null, and
/// whose output is read all the time. Its destructor kills it and everything below it.
class ChildProcess {
  public:
    struct Start {
        std::vector<std::string> command;               // command[0] is looked up in PATH
        std::map<std::string, std::string> environment; // beside a minimal one
        std::function<void()> before_exec; // in the child; after stdout and stderr are set
    };

    explicit ChildProcess(const Start& start);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    pid_t pid() const { return pid_; }

    /// What was written so far.
    std::string out();
    std::string err();

    /// Waits until the text stands in stdout (or stderr), `times` times.
    bool says(const std::string& text, int times = 1);
    bool logs(const std::string& text, int times = 1);

    /// The raw wait status, and all output is read; nothing if it has not ended by the deadline.
    std::optional<int> wait(std::chrono::milliseconds limit = patience);

    bool has_ended() { return wait(0ms).has_value(); }

  private:
    void read_output();

    pid_t pid_ = -1;
    std::optional<int> status_;
    Descriptor out_end_;
    Descriptor err_end_;
    Pipe wake_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::string out_;
    std::string err_;
    bool at_end_ = false;
    std::thread reader_;
};

int occurrences(const std::string& text, const std::string& of);

/// The lines of a text, without their ends.
std::vector<std::string> lines_of(const std::string& text);

} // namespace tests
