#include "init/supervisor.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "init/fault_point.h"
#include "init/fpm/in_flight.h"
#include "init/os/descriptors.h"
#include "init/os/fallback.h"
#include "init/os/log.h"
#include "init/os/proc.h"
#include "init/os/reaper.h"
#include "init/os/terminal.h"
#include "init/trace.h"
#include "signals/meaning.h"
#include "signals/names.h"

namespace sluice {

using namespace std::chrono_literals;
using core::Level;

namespace {

core::TimePoint now() {
    return core::TimePoint::clock::now();
}

std::string reason(int error) {
    return std::generic_category().message(error);
}

} // namespace

Supervisor::Supervisor(boost::asio::io_context& loop, signals::Inbox& inbox, core::Plan plan,
                       os::Launch launch, std::vector<int> inherited, OpenSockets sockets)
    : loop_(loop),
      plan_(plan),
      launch_(std::move(launch)),
      inherited_(std::move(inherited)),
      sockets_(std::move(sockets)),
      outlook_(loop, sockets_),
      lifecycle_(std::move(plan)),
      timers_(loop, [this](core::Timer timer) { feed(core::TimerFired{timer}); }),
      handlers_clock_(loop) {
    const auto before = os::descendants(os::processes(), ::getpid());
    strangers_.insert(before.begin(), before.end());
    inbox.deliver_to([this](const auto& batch) { on_signals(batch); });
}

int Supervisor::run() {
    try {
        feed(core::Start{});
        while (!exit_code_) {
            // A loop that ran out of work stays stopped: every further call returns at once.
            if (loop_.run_one() == 0) throw std::logic_error("the event loop has stopped");
        }
        os::flush_log();
        return *exit_code_;
    } catch (const std::exception& error) {
        os::log(Level::error,
                std::string("internal error: ") + error.what() +
                    "; going on as a plain init: no deadline, no restart. Please report it",
                {{"event", "internal_error"}, {"error", error.what()}});
    } catch (...) {
        os::log(Level::error, "internal error of unknown kind; going on as a plain init",
                {{"event", "internal_error"}});
    }
    return go_on_as_plain_init();
}

int Supervisor::go_on_as_plain_init() {
    const auto service = lifecycle_.service();
    if (!service) return exit_code_.value_or(core::exit_own_error);
    if (lifecycle_.state() == core::State::draining) {
        ::kill(*service, plan_.stop.signal.value_or(SIGTERM));
    }
    // Better the signal twice than a stop that is lost.
    for (const auto& received : unhandled_) ::kill(::getpid(), received.signal);
    const auto status = os::plain_init(*service, plan_.stop.signal, plan_.signals);
    if (!status) return core::exit_own_error;
    return core::mapped(plan_.map_exit, core::exit_code(*status));
}

// --- what the loop brings -----------------------------------------------------------------------

void Supervisor::on_signals(const std::vector<signals::Received>& batch) {
    unhandled_ = batch;
    fault_point("signals");
    signals::sort_by_importance(unhandled_, plan_.signals);
    while (!unhandled_.empty()) {
        on_signal(unhandled_.front());
        unhandled_.erase(unhandled_.begin());
    }
    // Last: where a stop and the end of the service come together, the stop counts.
    if (std::ranges::find(batch, SIGCHLD, &signals::Received::signal) != batch.end()) reap();
    os::flush_log();
}

void Supervisor::on_signal(const signals::Received& received) {
    if (received.signal == SIGCHLD && !received.from_process) return;
    // Somebody resized the terminal, which the service does not have. nginx would take it for the
    // order to let its workers go.
    const bool resized = received.signal == SIGWINCH && !received.from_process;
    if (resized && plan_.kind == config::Kind::nginx) return;
    const auto rule = signals::meaning_of(received.signal, plan_.signals);
    os::log(Level::debug,
            "signal " + signals::name_of(received.signal) + " from pid " +
                std::to_string(received.sender),
            {{"event", "signal"},
             {"signal", signals::name_of(received.signal)},
             {"sender_pid", received.sender}});
    switch (rule.meaning) {
    case signals::Meaning::drain: feed(core::DrainAsked{received.signal, received.sender}); break;
    case signals::Meaning::reload: feed(core::ReloadAsked{}); break;
    case signals::Meaning::forward:
        feed(core::ForwardAsked{rule.forward_as != 0 ? rule.forward_as : received.signal,
                                received.value});
        break;
    case signals::Meaning::ignore: break;
    }
}

void Supervisor::reap() {
    bool more = false;
    auto reaped = os::reap(more);
    // The service first: what its workers' ends mean depends on whether it is there.
    std::ranges::stable_partition(reaped.changes, [this](const os::Change& change) {
        return change.pid == lifecycle_.service();
    });
    for (const auto& change : reaped.changes) {
        if (change.ended) strangers_.erase(change.pid);
    }
    const bool tree_empty =
        reaped.none_left || (!strangers_.empty() && !more && left_of_service().empty());
    for (const auto& change : reaped.changes) {
        if (change.ended) {
            on_end(change.pid, change.wait_status, tree_empty);
        } else {
            feed(core::Stopped{change.pid, WSTOPSIG(change.wait_status)});
        }
    }
    if (tree_empty) feed(core::TreeEmpty{});
    if (more && !exit_code_) boost::asio::post(loop_, [this] { reap(); });
}

void Supervisor::on_end(pid_t pid, int wait_status, bool tree_empty) {
    const bool last_orphan = orphans_.erase(pid) > 0 && orphans_.empty();
    const bool last_of_old = of_old_.erase(pid) > 0 && of_old_.empty();
    const bool some_left = pid == lifecycle_.service() && !tree_empty && take_orphans();
    feed(core::Exited{pid, wait_status, tree_empty, some_left});
    if (last_orphan && !some_left) {
        feed(core::OrphansGone{sockets_.intake().old_queued()});
    } else if (last_of_old) {
        feed(core::OldUnserved{sockets_.intake().old_queued()});
    }
}

// Those of the service's workers that live on are sluice's own children from now on: so their pids
// are theirs until they are reaped. What PHP has started serves nobody, whoever adopted it. Nor
// does a worker whose only client is sluice.
bool Supervisor::take_orphans() {
    const auto* const titles = plan_.kind == config::Kind::nginx ? "nginx: " : "php-fpm: ";
    bool some = false;
    for (const auto& process : os::processes()) {
        if (process.parent != ::getpid() || process.ended) continue;
        const auto title = os::command_line(process.pid);
        if (!title.starts_with(titles)) continue;
        if (sockets_.serves_status(title)) {
            ::kill(process.pid, SIGKILL);
        } else {
            some = orphans_.insert(process.pid).second || some;
        }
    }
    return some;
}

std::vector<pid_t> Supervisor::left_of_service() const {
    const auto all = os::processes();
    auto left = os::descendants(all, ::getpid());
    for (const pid_t stranger : strangers_) {
        const auto below = os::descendants(all, stranger);
        std::erase_if(left, [&](pid_t pid) {
            return pid == stranger || std::ranges::find(below, pid) != below.end();
        });
    }
    return left;
}

// nginx has its handlers some instants before it looks at what they note: a QUIT in between would
// rest until the next signal. Once it has workers it looks. (With "master_process off" it has
// none.)
bool Supervisor::is_up(core::TimePoint::duration age) const {
    if (!os::catches(awaited_, plan_.stop.signal.value_or(SIGTERM))) return false;
    if (!plan_.stop.finishes_itself || age > plan_.stop.hold) return true;
    const auto all = os::processes();
    return std::ranges::find(all, awaited_, &os::Process::parent) != all.end();
}

// FPM tells nobody when it has installed its handlers, so it is looked at: often while it is young,
// ever less often behind an entrypoint that takes its time, and never once it is up.
void Supervisor::watch_handlers() {
    if (awaited_ == 0 || lifecycle_.service() != awaited_) return;
    const auto age = now() - awaited_since_;
    const bool cannot_be_seen = age > plan_.stop.hold && os::processes().empty();
    if (is_up(age) || cannot_be_seen) {
        const pid_t pid = std::exchange(awaited_, 0);
        feed(core::Catches{pid});
        if (!std::exchange(awaited_to_start_, false)) return;
        if (plan_.answers) {
            wait_for_answer(pid);
        } else {
            feed(core::Ready{.pid = pid, .answers = false});
        }
        return;
    }
    if (age > 10s && !std::exchange(told_of_waiting_, true)) {
        os::log(Level::warning,
                plan_.name + " is not in the place of pid " + std::to_string(awaited_) +
                    " after 10 s: if an entrypoint script starts it, let its last line be "
                    "exec \"$@\", or a stop reaches the script only and cuts requests",
                {{"event", "not_in_place"}, {"service_pid", awaited_}});
    }
    handlers_clock_.expires_after(std::clamp<std::chrono::nanoseconds>(age / 8, 2ms, 10s));
    handlers_clock_.async_wait([this](const boost::system::error_code& error) {
        if (!error) watch_handlers();
    });
}

// --- the lifecycle
// --------------------------------------------------------------------------------

void Supervisor::feed(core::Event event) {
    events_.push_back(event);
    if (std::exchange(handling_, true)) return; // an action brought it about: it has its turn below
    while (!events_.empty() && !exit_code_) {   // what comes after the end concerns nobody
        const auto next = events_.front();
        events_.pop_front();
        handle(next);
    }
    handling_ = false;
}

void Supervisor::handle(const core::Event& event) {
    const auto before = lifecycle_.state();
    const auto actions = lifecycle_.on(event, now());
    if (os::logs(Level::debug)) {
        os::log(Level::debug, trace(event, before, lifecycle_.state(), actions));
    }
    for (const auto& action : actions) {
        std::visit([this](const auto& a) { execute(a); }, action);
    }
}

void Supervisor::execute(const core::Message& message) {
    os::log(message);
}

void Supervisor::execute(const core::Spawn& action) {
    sockets_.intake().give_up_new(); // of a run that never was of use
    if (action.beside) {
        if (auto why = sockets_.intake().join()) {
            feed(core::CannotJoin{*std::move(why)});
            return;
        }
    }
    if (!orphans_.empty()) {
        sockets_.renew_status();
        outlook_.renew();
    }
    auto launch = launch_;
    const auto descriptors = sockets_.descriptors();
    launch.keep.insert(launch.keep.end(), descriptors.begin(), descriptors.end());
    const auto variables = sockets_.environment();
    launch.environment.insert(launch.environment.end(), variables.begin(), variables.end());
    const auto spawned = os::spawn(loop_, launch);
    if (spawned.error == 0) {
        last_group_ = spawned.pid;
        let_go_of_what_was_inherited();
        feed(core::Spawned{spawned.pid});
        return;
    }
    const int code = os::exit_code_of_failure(spawned);
    os::log(Level::error, os::describe_failure(spawned, launch_.path),
            {{"event", "spawn_failed"}, {"errno", spawned.error}, {"exit_code", code}});
    const bool passing = spawned.error == EAGAIN || spawned.error == ENOMEM;
    feed(core::SpawnFailed{code, passing});
}

// A copy of a pipe held here would keep its reader waiting, and a start folder busy a file system.
// A service that may be started again needs both; while it runs it mostly holds them itself.
void Supervisor::let_go_of_what_was_inherited() {
    if (plan_.restarting.when != config::Restart::no) return;
    os::close_all(std::exchange(inherited_, {}));
    if (::chdir("/") != 0) {
        os::log(Level::debug, "chdir /: " + reason(errno) + "; the start folder stays busy");
    }
}

void Supervisor::execute(const core::SwitchOver& /*action*/) {
    of_old_ = orphans_;
    auto trouble = sockets_.intake().switch_over();
    if (!trouble.empty()) feed(core::SwitchFailed{std::move(trouble)});
}

void Supervisor::execute(const core::LookAtOld& /*action*/) {
    feed(core::OldSeen{sockets_.intake().old_empty()});
}

void Supervisor::execute(const core::LeaveOld& /*action*/) {
    sockets_.intake().leave_old();
}

void Supervisor::execute(const core::SignalOrphans& action) const {
    for (const pid_t orphan : orphans_) {
        ::kill(orphan, action.signal);
        ::kill(orphan, SIGCONT); // a suspended one would not act on it
    }
}

void Supervisor::execute(const core::AwaitReady& action) {
    if (plan_.answers) {
        outlook_.inquiry().ping([this, pid = action.pid] { feed(core::Ready{pid}); });
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
        outlook_.inquiry().close();
        os::log(Level::warning,
                plan_.name + " runs, and does not answer its ping: does something keep its status "
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
    for (const auto& address : sockets_.intake().keep_those_of(*files)) {
        os::log(Level::info,
                plan_.name + " listens on " + address + " no more: it is closed here, too",
                {{"event", "unserved"}, {"address", address}});
    }
}

void Supervisor::execute(const core::CloseIntake& /*action*/) {
    feed(sockets_.intake().close());
}

void Supervisor::execute(const core::HoldOff& /*action*/) {
    feed(sockets_.intake().hold_off());
}

void Supervisor::execute(const core::Look& /*action*/) {
    outlook_.look(paused_, [this](core::Sight sight) { feed(core::Seen{std::move(sight)}); });
}

// Their pids are FPM's word and a moment old: whoever is not its child any more is left alone.
void Supervisor::signal_workers(const std::vector<pid_t>& workers, int signal) const {
    for (const pid_t worker : workers) {
        if (os::parent_of(worker) == lifecycle_.service()) ::kill(worker, signal);
    }
}

void Supervisor::execute(const core::Pause& action) {
    paused_ = action.workers;
    signal_workers(paused_, SIGSTOP);
}

void Supervisor::execute(const core::Resume& action) {
    signal_workers(action.workers, SIGCONT);
    paused_.clear();
}

void Supervisor::execute(const core::Release& action) {
    signal_workers(action.workers, SIGKILL);
    paused_.clear();
}

void Supervisor::execute(const core::Send& action) const {
    if (action.signal == SIGCONT && plan_.kind == config::Kind::plain && os::holds_terminal()) {
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
    if (result == 0 || errno == ESRCH) return;
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
    if (plan_.kind != config::Kind::php_fpm) return;
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
    feed(core::CutNamed{static_cast<int>(requests.size())});
}

void Supervisor::execute(const core::SuspendSelf& /*action*/) const {
    // PID 1 cannot be stopped from inside its namespace, and nobody there could resume it.
    if (::getpid() == 1) return;
    os::take_terminal_from(last_group_);
    ::kill(::getpid(), SIGSTOP);
}

void Supervisor::execute(const core::Arm& action) {
    timers_.arm(action.timer, action.at);
}

void Supervisor::execute(const core::Finish& action) {
    os::take_terminal_from(last_group_);
    exit_code_ = action.exit_code;
}

} // namespace sluice
