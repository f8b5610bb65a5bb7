#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include "init/fpm/in_flight.h"
#include "init/os/descriptors.h"
#include "init/os/log.h"
#include "init/os/proc.h"
#include "init/os/terminal.h"
#include "init/supervisor.h"
#include "signals/names.h"

// What the lifecycle wants done.

namespace sluice {

using namespace std::chrono_literals;
using core::Level;

namespace {

std::string reason(int error) {
    return std::generic_category().message(error);
}

} // namespace

void Supervisor::execute(const core::Message& message) {
    os::log(message);
    reloads_.hear(message, now());
}

void Supervisor::execute(const core::Spawn& action) {
    auto& generation = working(action.of);
    const bool live = action.of == core::Which::live;
    if (auto refused = make_listeners(action)) {
        feed(*std::move(refused));
        return;
    }
    if ((live && !orphans_.empty()) || generation.parts.status.is_shut()) {
        generation.parts.status.renew();
        generation.outlook.ask_at(generation.parts.status.pages());
    }
    if (action.of == core::Which::old && generation.parts.status.all_private()) {
        generation.outlook.ask_at(generation.parts.status.pages()); // there is a master again
    }
    auto sockets = action.of == core::Which::old ? intake_.old_ones() : intake_.newest();
    for (auto& socket : generation.parts.status.keys()) sockets.push_back(std::move(socket));
    const auto launch = handing_over(generation.parts.launch, generation.parts.plan.kind, sockets);
    const auto spawned = os::spawn(loop_, launch);
    if (spawned.error == 0) {
        group_of(action.of) = spawned.pid;
        let_go_of_what_was_inherited();
        if (live) write_pid_file(spawned.pid);
        feed(core::Spawned{spawned.pid, action.of});
        return;
    }
    const int code = os::exit_code_of_failure(spawned);
    auto why = os::describe_failure(spawned, launch.path);
    if (live) {
        os::log(Level::error, why,
                {{"event", "spawn_failed"}, {"errno", spawned.error}, {"exit_code", code}});
    }
    const bool passing = spawned.error == EAGAIN || spawned.error == ENOMEM;
    feed(core::SpawnFailed{code, passing, action.of, std::move(why)});
}

std::optional<core::CannotJoin> Supervisor::make_listeners(const core::Spawn& action) {
    if (action.of == core::Which::old) return {}; // they are there
    intake_.give_up_new();                        // of a run that never was of use
    if (action.of == core::Which::next) {
        const auto beside = action.beside ? Intake::Beside::own : Intake::Beside::shared;
        return intake_.join(next_->parts.wishes, beside);
    }
    return action.beside ? intake_.join() : std::nullopt;
}

// A copy of a pipe held here would keep its reader waiting, and a start folder busy a file system.
// A service that may be started again needs both; while it runs it mostly holds them itself.
void Supervisor::let_go_of_what_was_inherited() {
    if (plan().restarting.when != config::Restart::no) return;
    if (plan().reload.strategy != config::Strategy::signal) return;
    os::close_all(std::exchange(inherited_, {}));
    if (::chdir("/") != 0) {
        os::log(Level::debug, "chdir /: " + reason(errno) + "; the start folder stays busy");
    }
}

void Supervisor::execute(const core::SwitchOver& /*action*/) {
    trial_.reset(); // its ways in first: they change the selector
    auto trouble = intake_.switch_over();
    if (!trouble.empty()) {
        events_.push_front(core::SwitchFailed{std::move(trouble)});
        return;
    }
    of_old_ = orphans_;
    if (const auto open = intake_.still_open(); !open.empty()) {
        os::log(Level::warning,
                "new connections to " + open +
                    " cannot be refused (SO_BINDTOIFINDEX): the generation before takes them until "
                    "it has gone",
                {{"event", "still_open"}});
    }
    events_.push_front(core::Switched{});
}

void Supervisor::execute(const core::LookAtOld& /*action*/) {
    feed(core::OldSeen{intake_.old_empty()});
}

void Supervisor::execute(const core::ShutOld& /*action*/) {
    intake_.shut(core::Which::old);
}

void Supervisor::execute(const core::LeaveOld& /*action*/) {
    intake_.leave_old();
}

void Supervisor::execute(const core::SignalOrphans& action) const {
    for (const pid_t orphan : action.of == core::Which::old ? of_old_ : orphans_) {
        ::kill(orphan, action.signal);
        ::kill(orphan, SIGCONT); // a suspended one would not act on it
    }
}

void Supervisor::execute(const core::AwaitReady& action) {
    if (action.of == core::Which::next) {
        prove(action.pid);
        return;
    }
    if (plan().answers) {
        live_->outlook.inquiry().ping([this, pid = action.pid] {
            awaited_ = 0; // who answers has handlers: nothing more to wait for, and to wake up for
            awaited_to_start_ = false;
            handlers_clock_.cancel();
            feed(core::Ready{pid});
        });
    }
    awaited_to_start_ = true;
    execute(core::AwaitHandlers{action.pid});
}

// FPM may be up and have nobody to answer with: then it is taken for ready all the same.
void Supervisor::wait_for_answer(pid_t pid) {
    constexpr auto longest = 5s; // its first answer takes it a fork
    handlers_clock_.expires_after(longest);
    handlers_clock_.async_wait([this, pid](const boost::system::error_code& error) {
        if (error || lifecycle_.service() != pid) return;
        if (lifecycle_.state() != core::State::starting) return;
        live_->outlook.inquiry().close();
        os::log(Level::warning,
                plan().name + " runs, and does not answer its ping: does something keep its status "
                              "pool from having a worker (process.max, a limit of processes)? A "
                              "stop waits for each look in vain, and so takes longer",
                {{"event", "no_answer"}, {"service_pid", pid}});
        feed(core::Ready{.pid = pid, .answers = false});
    });
}

void Supervisor::execute(const core::AwaitHandlers& action) {
    awaited_ = action.pid;
    awaited_since_ = now();
    watch_handlers();
}

// --- the drain ----------------------------------------------------------------------------------

void Supervisor::execute(const core::CloseUnserved& action) {
    const auto files = os::open_files(action.pid);
    if (!files || files->empty()) return; // we may not look, or it is gone
    for (const auto& address : intake_.keep_those_of(*files)) {
        os::log(Level::info,
                plan().name + " listens on " + address + " no more: it is closed here, too",
                {{"event", "unserved"}, {"address", address}});
    }
}

void Supervisor::execute(const core::CloseIntake& action) {
    feed(intake_.close(action.of));
}

void Supervisor::execute(const core::HoldOff& /*action*/) {
    feed(intake_.hold_off());
}

void Supervisor::execute(const core::Look& action) {
    auto& generation = working(action.of);
    generation.outlook.look(action.of, generation.paused,
                            [this, of = action.of](core::Sight sight) {
                                feed(core::Seen{std::move(sight), of});
                            });
}

// Their pids are FPM's word and a moment old: whoever is not its child any more is left alone.
void Supervisor::signal_workers(const std::vector<pid_t>& workers, core::Which of,
                                int signal) const {
    const auto master = master_of(of);
    for (const pid_t worker : workers) {
        if (master && os::parent_of(worker) == master) ::kill(worker, signal);
    }
}

void Supervisor::execute(const core::Pause& action) {
    working(action.of).paused = action.workers;
    signal_workers(action.workers, action.of, SIGSTOP);
}

void Supervisor::execute(const core::Resume& action) {
    signal_workers(action.workers, action.of, SIGCONT);
    working(action.of).paused.clear();
}

void Supervisor::execute(const core::Release& action) {
    signal_workers(action.workers, action.of, SIGKILL);
    working(action.of).paused.clear();
}

// Without CAP_KILL neither FPM's master nor sluice may signal workers of another user, and the
// master waits for them for ever. A worker whose accept() fails leaves by itself, an idle one at
// once, and a master that has been told to stop forks no other.
void Supervisor::have_workers_leave(pid_t master) {
    const bool old = master == lifecycle_.old_service();
    const bool stops =
        master == lifecycle_.service() && lifecycle_.state() == core::State::draining;
    if (plan().kind != config::Kind::php_fpm || (!old && !stops)) return;
    if (!os::has_child_out_of_reach(master)) return;
    const auto which = old ? core::Which::old : core::Which::live;
    intake_.shut(which);
    working(which).parts.status.shut();
}

void Supervisor::execute(const core::Send& action) {
    if (action.signal == SIGCONT && plan().kind == config::Kind::plain && os::holds_terminal()) {
        os::hand_terminal_to(action.pid); // the shell above has brought us to the foreground again
    }
    int result = -1;
    if (action.value && !action.group) {
        sigval value{};
        std::memcpy(&value, &*action.value, sizeof value);
        result = ::sigqueue(action.pid, action.signal, value);
        // The service's queue is full (RLIMIT_SIGPENDING): better the signal without its value.
        if (result != 0 && errno == EAGAIN) result = ::kill(action.pid, action.signal);
    } else {
        result = ::kill(action.group ? -action.pid : action.pid, action.signal);
        // It has left the group that it was given.
        if (result != 0 && errno == ESRCH) result = ::kill(action.pid, action.signal);
    }
    // ESRCH: it has just ended; the reaper will tell.
    if (result == 0) {
        if (action.signal == SIGQUIT || action.signal == SIGTERM) have_workers_leave(action.pid);
        return;
    }
    if (errno == ESRCH) return;
    os::log(Level::error,
            "signal " + signals::name_of(action.signal) + " could not be sent to pid " +
                std::to_string(action.pid) + ": " + reason(errno) +
                (errno == EPERM ? "; the service runs as a user that sluice may not signal: run "
                                  "sluice as root or as that user, or give it CAP_KILL"
                                : ""),
            {{"event", "send_failed"}, {"errno", errno}});
}

void Supervisor::execute(const core::Sweep& action) const {
    if (os::processes().empty()) { // no /proc: what can be reached without it
        ::kill(::getpid() == 1 ? -1 : -last_group_, action.signal);
        return;
    }
    for (const pid_t pid : left_of_service()) {
        ::kill(pid, action.signal);
        if (action.signal != SIGKILL) ::kill(pid, SIGCONT); // a suspended one would not act on it
    }
}

void Supervisor::execute(const core::NameCut& action) {
    if (plan().kind != config::Kind::php_fpm) return;
    const auto requests = fpm::in_flight(action.pid);
    for (const auto& request : requests) {
        os::log(Level::warning,
                "cut: pool " + request.pool + ", worker pid " + std::to_string(request.worker) +
                    ", script " + request.script,
                {{"event", "cut"},
                 {"pool", request.pool},
                 {"worker_pid", request.worker},
                 {"script", request.script}});
    }
    feed(core::CutNamed{static_cast<int>(requests.size()), action.of});
}

void Supervisor::execute(const core::SuspendSelf& /*action*/) const {
    // PID 1 cannot be stopped from inside its namespace, and nobody there could resume it.
    if (::getpid() == 1) return;
    os::take_terminal_from(last_group_);
    ::kill(::getpid(), SIGSTOP);
}

void Supervisor::execute(const core::Arm& action) {
    timers_.arm(action.timer, action.of, action.at);
}

void Supervisor::execute(const core::Finish& action) {
    os::take_terminal_from(last_group_);
    exit_code_ = action.exit_code;
}

} // namespace sluice
