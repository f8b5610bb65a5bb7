#include "init/trace.h"

#include "signals/names.h"

namespace sluice {

namespace {

using signals::name_of;

const char* to_string(core::Timer timer) {
    switch (timer) {
    case core::Timer::announce: return "announce";
    case core::Timer::queue: return "queue";
    case core::Timer::look: return "look";
    case core::Timer::report: return "report";
    case core::Timer::hold: return "hold";
    case core::Timer::deadline: return "deadline";
    case core::Timer::linger: return "linger";
    case core::Timer::old: return "old";
    case core::Timer::retire: return "retire";
    case core::Timer::kill: return "kill";
    case core::Timer::sweep: return "sweep";
    case core::Timer::restart: return "restart";
    case core::Timer::reloaded: return "reloaded";
    case core::Timer::step: return "step";
    }
    return "?";
}

struct InWords {
    std::string operator()(const core::Start&) const { return "start"; }

    std::string operator()(const core::Spawned& e) const { return with_pid("spawned", e.pid); }

    std::string operator()(const core::SpawnFailed&) const { return "spawn-failed"; }

    std::string operator()(const core::Ready& e) const { return with_pid("ready", e.pid); }

    std::string operator()(const core::DrainAsked& e) const {
        return "drain-asked " + name_of(e.signal);
    }

    std::string operator()(const core::ReloadAsked&) const { return "reload-asked"; }

    std::string operator()(const core::ForwardAsked& e) const {
        return "forward-asked " + name_of(e.signal);
    }

    std::string operator()(const core::Exited& e) const {
        return with_pid("exited", e.pid) + " " + core::describe_end(e.wait_status);
    }

    std::string operator()(const core::Stopped& e) const { return with_pid("stopped", e.pid); }

    std::string operator()(const core::TreeEmpty&) const { return "tree-empty"; }

    std::string operator()(const core::CutNamed& e) const {
        return "cut-named " + std::to_string(e.requests);
    }

    std::string operator()(const core::Catches& e) const { return with_pid("catches", e.pid); }

    std::string operator()(const core::IntakeClosed& e) const {
        switch (e.way) {
        case core::Closing::refused: return "intake-closed refused";
        case core::Closing::held_off: return "intake-closed held-off";
        case core::Closing::open: return "intake-closed not";
        }
        return "?";
    }

    std::string operator()(const core::Seen& e) const {
        const auto count = [](const auto& of) { return of ? std::to_string(of->open) : "?"; };
        return "seen queued " + std::to_string(e.sight.queued) + ", half open " +
               std::to_string(e.sight.half_open) + ", connections " + count(e.sight.connections) +
               ", busy " +
               (e.sight.workers ? std::to_string(core::count_active(*e.sight.workers)) : "?");
    }

    std::string operator()(const core::OrphansGone&) const { return "orphans-gone"; }

    std::string operator()(const core::CannotJoin&) const { return "cannot-join"; }

    std::string operator()(const core::OldUnserved&) const { return "old-unserved"; }

    std::string operator()(const core::Switched&) const { return "switched"; }

    std::string operator()(const core::SwitchFailed&) const { return "switch-failed"; }

    std::string operator()(const core::OldSeen& e) const {
        return e.empty ? "old-seen empty" : "old-seen queue";
    }

    std::string operator()(const core::TurnTaken& e) const {
        return e.refused.empty() ? "turn-taken" : "turn-refused";
    }

    std::string operator()(const core::NextPrepared& e) const {
        return e.by_signal ? "no-room" : e.refused.empty() ? "next-prepared" : "next-refused";
    }

    std::string operator()(const core::WarmedUp& e) const {
        return e.refused.empty() ? "warmed-up" : "warm-up-failed";
    }

    std::string operator()(const core::TimerFired& e) const {
        return std::string("timer ") + to_string(e.timer) + suffix(e.of);
    }

    std::string operator()(const core::Message&) const { return "say"; }

    std::string operator()(const core::Spawn& a) const {
        return (a.beside ? "spawn beside" : "spawn") + suffix(a.of);
    }

    std::string operator()(const core::TakeTurn&) const { return "take-turn"; }

    std::string operator()(const core::PrepareNext&) const { return "prepare-next"; }

    std::string operator()(const core::WarmUp&) const { return "warm-up"; }

    std::string operator()(const core::Promote&) const { return "promote"; }

    std::string operator()(const core::DropNext&) const { return "drop-next"; }

    std::string operator()(const core::DropOld&) const { return "drop-old"; }

    std::string operator()(const core::EndTurn&) const { return "end-turn"; }

    std::string operator()(const core::SwitchOver&) const { return "switch-over"; }

    std::string operator()(const core::LookAtOld&) const { return "look-at-old"; }

    std::string operator()(const core::ShutOld&) const { return "shut-old"; }

    std::string operator()(const core::LeaveOld&) const { return "leave-old"; }

    std::string operator()(const core::SignalOrphans& a) const {
        return "signal-orphans " + name_of(a.signal) + suffix(a.of);
    }

    std::string operator()(const core::AwaitReady& a) const { return "await-ready" + suffix(a.of); }

    std::string operator()(const core::AwaitHandlers&) const { return "await-handlers"; }

    std::string operator()(const core::CloseUnserved&) const { return "close-unserved"; }

    std::string operator()(const core::CloseIntake& a) const {
        return "close-intake" + suffix(a.of);
    }

    std::string operator()(const core::HoldOff&) const { return "hold-off"; }

    std::string operator()(const core::Look& a) const { return "look" + suffix(a.of); }

    std::string operator()(const core::Pause& a) const {
        return with_pids("pause", a.workers) + suffix(a.of);
    }

    std::string operator()(const core::Resume& a) const {
        return with_pids("resume", a.workers) + suffix(a.of);
    }

    std::string operator()(const core::Release& a) const {
        return with_pids("release", a.workers) + suffix(a.of);
    }

    std::string operator()(const core::Send& a) const {
        return with_pid("send " + name_of(a.signal) + (a.group ? " group" : ""), a.pid);
    }

    std::string operator()(const core::Sweep& a) const { return "sweep " + name_of(a.signal); }

    std::string operator()(const core::NameCut& a) const { return "name-cut" + suffix(a.of); }

    std::string operator()(const core::SuspendSelf&) const { return "suspend-self"; }

    std::string operator()(const core::Arm& a) const {
        return std::string("arm ") + to_string(a.timer) + suffix(a.of);
    }

    std::string operator()(const core::Finish& a) const {
        return "finish " + std::to_string(a.exit_code);
    }

    static std::string suffix(core::Which of) {
        switch (of) {
        case core::Which::live: return "";
        case core::Which::next: return " (next)";
        case core::Which::old: return " (old)";
        }
        return "?";
    }

    static std::string with_pids(std::string what, const std::vector<pid_t>& pids) {
        for (const pid_t pid : pids) what += " " + std::to_string(pid);
        return what;
    }

    static std::string with_pid(const std::string& what, pid_t pid) {
        return what + " " + std::to_string(pid);
    }
};

} // namespace

std::string trace(const core::Event& event, core::State before, core::State after,
                  const core::Actions& actions) {
    std::string line = std::visit(InWords{}, event) + ": " + core::to_string(before) + " -> " +
                       core::to_string(after);
    for (const auto& action : actions) line += "; " + core::to_text(action);
    return line;
}

std::string core::to_text(const Action& action) {
    return std::visit(InWords{}, action);
}

} // namespace sluice
