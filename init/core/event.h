#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <variant>

#include "init/core/message.h"
#include "init/core/restart_pacer.h"

namespace sluice::core {

/// The clocks that the lifecycle sets; arming one again replaces its time.
enum class Timer {
    hold,     // the stop signal has been held back long enough
    deadline, // the drain's
    kill,     // SIGTERM at the deadline had its time
    sweep,    // what is left of the process tree had its time
    restart,  // the back-off is over
};

// What happened. A run is one process that was spawned as the service.
struct Start {};

struct Spawned {
    pid_t pid;
};

struct SpawnFailed {
    int exit_code; // 125, 126 or 127
    bool passing;  // the machine's lack (of processes, of memory), not the command's fault
};

struct Ready {
    pid_t pid;
};

struct DrainAsked {
    int signal;
    pid_t sender; // 0: from outside the PID namespace
};

struct ReloadAsked {};

struct ForwardAsked {
    int signal;
    std::optional<std::uint64_t> value; // of a signal that was queued with one
};

struct Exited {
    pid_t pid;
    int wait_status;
    bool tree_empty; // no child is left, own or adopted
};

struct Stopped { // suspended, not ended
    pid_t pid;
    int signal;
};

struct TreeEmpty {}; // the last child has been reaped

struct CutNamed {
    int requests; // that the deadline ends
};

struct TimerFired {
    Timer timer;
};

using Event = std::variant<Start, Spawned, SpawnFailed, Ready, DrainAsked, ReloadAsked,
                           ForwardAsked, Exited, Stopped, TreeEmpty, CutNamed, TimerFired>;

// What to do about it, in this order.
struct Spawn {
    bool operator==(const Spawn&) const = default;
};

struct AwaitReady { // watch for the process to catch the stop signal, then send Ready
    pid_t pid;
    bool operator==(const AwaitReady&) const = default;
};

struct Send {
    pid_t pid;
    int signal;
    std::optional<std::uint64_t> value;
    bool group = false; // the whole process group that `pid` leads
    bool operator==(const Send&) const = default;
};

struct Sweep { // signal every process that is left of the tree
    int signal;
    bool operator==(const Sweep&) const = default;
};

struct NameCut { // log the requests that are still being executed, and answer with CutNamed
    pid_t pid;
    bool operator==(const NameCut&) const = default;
};

struct SuspendSelf {
    bool operator==(const SuspendSelf&) const = default;
};

struct Arm {
    Timer timer;
    TimePoint at;
    bool operator==(const Arm&) const = default;
};

struct Finish {
    int exit_code;
    bool operator==(const Finish&) const = default;
};

using Action =
    std::variant<Message, Spawn, AwaitReady, Send, Sweep, NameCut, SuspendSelf, Arm, Finish>;

} // namespace sluice::core
