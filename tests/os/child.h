#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

namespace tests {

/// A forked copy of ourselves, killed and reaped at the end; it also dies with us.
class Child {
  public:
    /// Its exit status is what the function gives.
    explicit Child(const std::function<int()>& work);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }

    /// Waits for its end; -1 if a signal ended it.
    int status();
    /// Ends it with SIGKILL, and waits until it is gone.
    void kill();

  private:
    pid_t pid_;
};

/// Two processes wait for each other: a pipe.
class Signpost {
  public:
    Signpost();
    ~Signpost();
    Signpost(const Signpost&) = delete;
    Signpost& operator=(const Signpost&) = delete;

    void raise() const;
    /// Waits for one raise(); false after 20 s.
    bool await() const;

  private:
    int read_end_;
    int write_end_;
};

/// Runs a command with the shell; true if it succeeded.
bool shell(const std::string& command);

/// A mount namespace of our own, from now on and for the whole program; false where that is
/// refused.
bool mounts_are_ours();

} // namespace tests
