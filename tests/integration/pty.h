#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "descriptor.h"
#include "sluice.h"

namespace tests {

/// A terminal with a program on it as session leader, and the person before it.
class Terminal {
  public:
    /// The command runs on the terminal: directly, or with `pid_1` as PID 1 of a namespace, as
    /// under `docker run -t`.
    Terminal(const std::vector<std::string>& command, Mode mode);
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(const std::string& keys);

    /// The window has another size from now on.
    void resize(unsigned short lines, unsigned short columns);

    /// Waits until the text has been shown since the last call that found something.
    bool shows(const std::string& text);

    const std::string& screen() const { return screen_; }

    /// The foreground process group.
    pid_t foreground() const;

    /// Waits for a process of this name that is alone in the foreground, and gives its pid.
    pid_t foreground_program(const std::string& name);

    pid_t leader() const { return leader_; }

    /// The leader's exit status; 1000 + n for a signal; -1 if it has not ended.
    int exit_status();

  private:
    void read_screen();

    Descriptor master_;
    pid_t leader_ = -1;
    bool ended_ = false;
    std::string screen_;
    std::size_t seen_ = 0;
};

} // namespace tests
