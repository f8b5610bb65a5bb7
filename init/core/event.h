#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "init/core/message.h"
#include "init/core/plan.h"
#include "init/core/restart_pacer.h"
#include "init/core/sight.h"

namespace sluice::core {

/// Which of the two generations that there can be.
enum class Which {
    live, // users come here
    next, // started beside it, and nobody comes there yet
    old   // users came here before the switch
};

/// The clocks that the lifecycle sets, one of each for each generation; arming one again replaces
/// its time.
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
    step,     // of a reload had its time
};

// What happened. A run is one process that was spawned as the service.
struct Start {};

struct Spawned {
    pid_t pid;
    Which of = Which::live;
};

struct SpawnFailed {
    int exit_code; // 125, 126 or 127
    bool passing;  // the machine's lack (of processes, of memory), not the command's fault
    Which of = Which::live;
    std::string why = {}; // of a next one
};

struct Ready {
    pid_t pid;
    bool answers = true; // its ping; otherwise it is only known to handle signals
};

struct DrainAsked {
    int signal;
    pid_t sender;           // 0: from outside the PID namespace
    bool by_client = false; // `sluice stop`
    bool now = false;       // with --now: nothing is waited for
};

struct ReloadAsked {
    std::string by = "a signal";
    config::Duration splay{0}; // to be waited for, so that not all containers do it at once
    std::string splay_of = "reload.splay"; // what wants it
    std::optional<TimePoint> not_before{}; // also after it has waited for another one
};

struct ForwardAsked {
    int signal;
    std::optional<std::uint64_t> value; // of a signal that was queued with one
};

struct Exited {
    pid_t pid;
    int wait_status;
    bool tree_empty;           // no child is left, own or adopted
    bool workers_left = false; // FPM's workers of this very run live on
    int queued = 0;            // of an old generation: at its listeners
};

struct Stopped { // suspended, not ended
    pid_t pid;
    int signal;
};

struct TreeEmpty {}; // the last child has been reaped

struct OrphansGone { // the last worker of a master that died before it
    int queued = 0;  // at the listeners that no run but theirs has
};

struct OldUnserved { // the last of those who have the old listeners has gone
    int queued = 0;  // there
};

struct Switched {}; // SwitchOver is done

struct SwitchFailed { // SwitchOver is not: new connections go where they went
    std::string why;
};

struct CannotJoin { // a run cannot have listeners of its own beside those that are there
    std::string why;
    bool no_selector = false; // nowhere and never: the kernel lets no two share an address
};

struct OldSeen {
    bool empty; // the queues of the old listeners, handshakes included
};

struct CutNamed {
    int requests; // that the deadline ends
    Which of = Which::live;
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
    Which of = Which::live;
};

struct Seen {
    Sight sight;
    Which of = Which::live;
};

struct TimerFired {
    Timer timer;
    Which of = Which::live;
    std::string missing = {}; // of a step: what it waited for in vain, a sentence
};

// What the steps of a reload bring. The empty text is success, any other says why not.
struct TurnTaken { // it is this container's turn to reload
    std::string refused;
};

struct NextPrepared {
    std::string refused;
    bool by_signal = false;        // there is no room for two: the service is to reload by itself
    std::optional<Plan> plan = {}; // that the next generation is to run by; nothing: as before
};

struct WarmedUp {
    std::string refused;
    int requests = 0; // that it got
};

using Event = std::variant<Start, Spawned, SpawnFailed, Ready, DrainAsked, ReloadAsked,
                           ForwardAsked, Exited, Stopped, TreeEmpty, CutNamed, Catches,
                           IntakeClosed, Seen, OrphansGone, CannotJoin, Switched, SwitchFailed,
                           OldUnserved, OldSeen, TurnTaken, NextPrepared, WarmedUp, TimerFired>;

} // namespace sluice::core
