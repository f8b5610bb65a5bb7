#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "init/core/message.h"
#include "init/core/restart_pacer.h"
#include "init/core/sight.h"

namespace sluice::core {

/// The clocks that the lifecycle sets; arming one again replaces its time.
enum class Timer {
    announce, // the intake stays open until then
    queue,    // the accept queue had its time to run empty by itself
    look,     // look at what is in flight again
    report,   // say again what is in flight
    hold,     // the stop signal has been held back long enough
    deadline, // the drain's
    linger,   // new connections have been refused for long enough
    old,      // look at the queues of the old listeners again
    retire,   // a dead master's workers had their time
    kill,     // SIGTERM at the deadline had its time
    sweep,    // what is left of the process tree had its time
    restart,  // the back-off is over
    reloaded, // the service had its time to reload
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
    bool answers = true; // its ping; otherwise it is only known to handle signals
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
    bool tree_empty;           // no child is left, own or adopted
    bool workers_left = false; // FPM's workers of this very run live on
};

struct Stopped { // suspended, not ended
    pid_t pid;
    int signal;
};

struct TreeEmpty {}; // the last child has been reaped

struct OrphansGone { // the last worker of a master that died before it
    int queued = 0;  // at the listeners that no run but theirs has
};

struct OldUnserved { // the last of those who have the old listeners has gone, others have not
    int queued = 0;  // there
};

struct SwitchFailed { // SwitchOver has, at one address at least
    std::string why;
};

struct CannotJoin { // the next run cannot have listeners of its own beside those of the orphans
    std::string why;
};

struct OldSeen {
    bool empty; // the queues of the old listeners, handshakes included
};

struct CutNamed {
    int requests; // that the deadline ends
};

struct Catches { // the process has handlers for the signals that end it
    pid_t pid;
};

/// How new connections are kept away.
enum class Closing {
    refused,  // at once, by the kernel
    held_off, // their handshakes are dropped, and tried again after a second
    open      // not at all
};

struct IntakeClosed {
    Closing way;
    std::string trouble; // why it is not "refused"; empty with it
};

struct Seen {
    Sight sight;
};

struct TimerFired {
    Timer timer;
};

using Event =
    std::variant<Start, Spawned, SpawnFailed, Ready, DrainAsked, ReloadAsked, ForwardAsked, Exited,
                 Stopped, TreeEmpty, CutNamed, Catches, IntakeClosed, Seen, OrphansGone, CannotJoin,
                 SwitchFailed, OldUnserved, OldSeen, TimerFired>;

// What to do about it, in this order.
struct Spawn {
    // On listeners of its own, beside those that a dead master's workers hold; where there cannot
    // be any, CannotJoin comes instead of a spawn.
    bool beside = false;
    bool operator==(const Spawn&) const = default;
};

struct SwitchOver { // new connections go to the newest run
    bool operator==(const SwitchOver&) const = default;
};

struct LookAtOld { // and send OldSeen
    bool operator==(const LookAtOld&) const = default;
};

struct LeaveOld { // shut the old listeners
    bool operator==(const LeaveOld&) const = default;
};

struct SignalOrphans {
    int signal;
    bool operator==(const SignalOrphans&) const = default;
};

struct AwaitReady { // watch for the service to be up, then send Ready
    pid_t pid;
    bool operator==(const AwaitReady&) const = default;
};

struct AwaitHandlers { // watch for the process to catch the stop signal, then send Catches
    pid_t pid;
    bool operator==(const AwaitHandlers&) const = default;
};

struct CloseUnserved { // the listeners that the service has closed, so that nobody waits there
    pid_t pid;
    bool operator==(const CloseUnserved&) const = default;
};

struct CloseIntake { // so that new connections are refused; then send IntakeClosed
    bool operator==(const CloseIntake&) const = default;
};

struct HoldOff { // the next best: new handshakes are dropped; then send IntakeClosed
    bool operator==(const HoldOff&) const = default;
};

struct Look { // at the sockets and the workers, and send Seen
    bool operator==(const Look&) const = default;
};

struct Pause { // these workers stand still until they are let go
    std::vector<pid_t> workers;
    bool operator==(const Pause&) const = default;
};

struct Resume {
    std::vector<pid_t> workers;
    bool operator==(const Resume&) const = default;
};

struct Release { // end these paused workers, which closes the idle connections that they hold
    std::vector<pid_t> workers;
    bool operator==(const Release&) const = default;
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

using Action = std::variant<Message, Spawn, SwitchOver, LookAtOld, LeaveOld, SignalOrphans,
                            AwaitReady, AwaitHandlers, CloseUnserved, CloseIntake, HoldOff, Look,
                            Pause, Resume, Release, Send, Sweep, NameCut, SuspendSelf, Arm, Finish>;

using Actions = std::vector<Action>;

inline void say(Actions& actions, Level level, std::string text, Fields fields) {
    actions.emplace_back(Message{level, std::move(text), std::move(fields)});
}

} // namespace sluice::core
