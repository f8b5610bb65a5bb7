#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"
#include "temp_folder.h"

namespace tests {

enum class Mode {
    pid_1,     // of a PID namespace of its own
    subreaper, // an ordinary process
};

/// Runs the rest of the test case once in each mode.
Mode each_mode();

/// What to start and how. Text is the configuration file's.
struct Launch {
    std::vector<std::string> command; // the service's
    Mode mode = Mode::subreaper;
    std::vector<std::string> options = {};
    std::string config = {};
    std::map<std::string, std::string> environment = {};
    std::function<void()> before_exec = {};
    std::vector<std::string> under = {}; // what executes sluice in its turn: "setpriv --reuid ..."
};

/// The program under test, running a service.
class Sluice {
  public:
    explicit Sluice(const Launch& launch);

    /// sluice's own pid as seen from here; fails the test if it never runs.
    pid_t pid();

    /// The first process below it. Waits for it to be there.
    pid_t service();

    void signal(int number);
    void queue(int number, int value);

    std::string out() { return process_->out(); }

    std::string err() { return process_->err(); }

    bool says(const std::string& text, int times = 1) { return process_->says(text, times); }

    bool logs(const std::string& text, int times = 1) { return process_->logs(text, times); }

    bool has_ended() { return process_->has_ended(); }

    /// The exit status; 1000 + n if a signal ended it; -1 if it has not ended by the deadline.
    int exit_status();

    /// sluice's last line on stderr.
    std::string last_log_line();

    /// TERM, then the exit status.
    int stop(int number = SIGTERM);

  private:
    Mode mode_;
    TempFolder folder_;
    std::unique_ptr<ChildProcess> process_;
    pid_t pid_ = -1;
};

/// The binary under test.
std::string sluice_program();

/// Whether it has the places where a test provokes a fault by SLUICE_FAULT: only the builds `dev`
/// and `asan` do.
bool has_fault_points();

/// This binary as a service: see roles.cpp for what each one does.
std::vector<std::string> role(const std::string& name, const std::vector<std::string>& words = {});

/// Starts it, waits for its end.
int status_of(const Launch& launch);

/// `/bin/sh -c script`, as a service.
std::vector<std::string> shell(const std::string& script);

} // namespace tests
