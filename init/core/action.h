#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "init/core/event.h"
#include "init/core/message.h"

namespace sluice::core {

// What to do about it, in this order.
struct Spawn {
    // On listeners of its own, beside those that a dead master's workers hold, or the live
    // generation; where there cannot be any, CannotJoin comes instead of a spawn. An old one's run
    // has the old listeners again.
    bool beside = false;
    Which of = Which::live;
    bool operator==(const Spawn&) const = default;
};

// The steps of a reload.
struct TakeTurn { // and send TurnTaken when it is
    bool operator==(const TakeTurn&) const = default;
};

struct PrepareNext { // read the configuration again, have everything checked; then NextPrepared
    bool operator==(const PrepareNext&) const = default;
};

struct WarmUp { // send the next generation its first requests; then WarmedUp
    bool operator==(const WarmUp&) const = default;
};

struct Promote { // users come to the next generation: it is the live one, the live one is old
    bool operator==(const Promote&) const = default;
};

struct DropNext { // whatever is there of it, at once, and what is being prepared
    bool operator==(const DropNext&) const = default;
};

struct DropOld { // what there was of it; its processes have gone
    bool operator==(const DropOld&) const = default;
};

struct EndTurn { // the next container's
    bool operator==(const EndTurn&) const = default;
};

// New connections go to the newest run. Then Switched or SwitchFailed comes, before any other
// event: nothing may happen while users are here and the roles are not.
struct SwitchOver {
    bool operator==(const SwitchOver&) const = default;
};

struct LookAtOld { // and send OldSeen
    bool operator==(const LookAtOld&) const = default;
};

// Nothing waits at the old listeners any more. Whoever has them leaves by itself: who is idle at
// once, who is busy after its request. What they are at is seen by these listeners until LeaveOld.
struct ShutOld {
    bool operator==(const ShutOld&) const = default;
};

struct LeaveOld { // the old listeners are shut, and gone: nobody is left who has them
    bool operator==(const LeaveOld&) const = default;
};

struct SignalOrphans { // the workers that a dead master has left
    int signal;
    Which of = Which::live;
    bool operator==(const SignalOrphans&) const = default;
};

struct AwaitReady { // watch for the service to be up, then send Ready
    pid_t pid;
    Which of = Which::live;
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
    Which of = Which::live;
    bool operator==(const CloseIntake&) const = default;
};

struct HoldOff { // the next best: new handshakes are dropped; then send IntakeClosed
    bool operator==(const HoldOff&) const = default;
};

struct Look { // at the sockets and the workers, and send Seen
    Which of = Which::live;
    bool operator==(const Look&) const = default;
};

struct Pause { // these workers stand still until they are let go
    std::vector<pid_t> workers;
    Which of = Which::live;
    bool operator==(const Pause&) const = default;
};

struct Resume {
    std::vector<pid_t> workers;
    Which of = Which::live;
    bool operator==(const Resume&) const = default;
};

struct Release { // end these paused workers, which closes the idle connections that they hold
    std::vector<pid_t> workers;
    Which of = Which::live;
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
    Which of = Which::live;
    bool operator==(const NameCut&) const = default;
};

struct SuspendSelf {
    bool operator==(const SuspendSelf&) const = default;
};

struct Arm {
    Timer timer;
    TimePoint at;
    Which of = Which::live;
    bool operator==(const Arm&) const = default;
};

struct Finish {
    int exit_code;
    bool operator==(const Finish&) const = default;
};

using Action = std::variant<Message, Spawn, SwitchOver, LookAtOld, ShutOld, LeaveOld, SignalOrphans,
                            AwaitReady, AwaitHandlers, CloseUnserved, CloseIntake, HoldOff, Look,
                            Pause, Resume, Release, Send, Sweep, NameCut, SuspendSelf, Arm, Finish,
                            TakeTurn, PrepareNext, WarmUp, Promote, DropNext, DropOld, EndTurn>;

using Actions = std::vector<Action>;

inline void say(Actions& actions, Level level, std::string text, Fields fields) {
    actions.emplace_back(Message{level, std::move(text), std::move(fields)});
}

} // namespace sluice::core
