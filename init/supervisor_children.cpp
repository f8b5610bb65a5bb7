#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>

#include "init/os/log.h"
#include "init/os/proc.h"
#include "init/os/reaper.h"
#include "init/supervisor.h"

// Who has ended, who is left, and who is up.

namespace sluice {

using namespace std::chrono_literals;
using core::Level;

void Supervisor::reap() {
    bool more = false;
    auto reaped = os::reap(more);
    // The service first: what its workers' ends mean depends on whether it is there.
    std::stable_partition(
        reaped.changes.begin(), reaped.changes.end(),
        [this](const os::Change& change) { return change.pid == lifecycle_.service(); });
    for (const auto& change : reaped.changes) {
        if (change.ended) strangers_.erase(change.pid);
    }
    const bool tree_empty =
        reaped.none_left || ((!strangers_.empty() || old_) && !more && left_of_service().empty());
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
    if (renewal_ && renewal_->ended(pid, wait_status)) return;
    const bool last_orphan = orphans_.erase(pid) > 0 && orphans_.empty();
    const bool last_of_old = of_old_.erase(pid) > 0 && of_old_.empty();
    const bool old = pid == lifecycle_.old_service();
    const bool some_left = (old || (pid == lifecycle_.service() && !tree_empty)) &&
                           plan().kind != config::Kind::plain &&
                           take_orphans(pid, old ? core::Which::old : core::Which::live);
    if (old && some_left) old_->outlook.ask_at({}); // nobody is left whom to ask
    feed(core::Exited{pid, wait_status, tree_empty, some_left, old ? intake_.old_queued() : 0});
    if (last_orphan && !some_left) {
        feed(core::OrphansGone{intake_.old_queued()});
    } else if (last_of_old) {
        feed(core::OldUnserved{intake_.old_queued()});
    }
}

// Those of the service's workers that live on are sluice's own children from now on: so their pids
// are theirs until they are reaped. What PHP has started serves nobody, whoever adopted it. Nor
// does a worker whose only client is sluice.
bool Supervisor::take_orphans(pid_t dead, core::Which of) {
    auto& theirs = of == core::Which::old ? of_old_ : orphans_;
    const auto* const titles = plan().kind == config::Kind::nginx ? "nginx: " : "php-fpm: ";
    const auto before = theirs.size();
    for (const auto& process : os::processes()) {
        if (process.parent != ::getpid() || process.ended) continue;
        if (orphans_.contains(process.pid) || of_old_.contains(process.pid)) continue;
        if (is_of_another_generation(process.pid, dead)) continue;
        const auto title = os::command_line(process.pid);
        if (!title.starts_with(titles)) continue;
        if (working(of).parts.status.serve(title)) {
            // One that we may not signal leaves when nobody listens any more.
            if (::kill(process.pid, SIGKILL) != 0 && errno == EPERM) {
                working(of).parts.status.shut();
            }
        } else {
            theirs.insert(process.pid);
            ::kill(process.pid, SIGCONT); // a drain may have paused it, for its master's sake
        }
        // What has died was a script in front of it. A master that goes on would replace every
        // worker that leaves.
        if (title.find(": master process") != std::string::npos) ::kill(process.pid, SIGQUIT);
    }
    return theirs.size() > before;
}

// Than the one whose master is dead. FPM's workers stay in its process group.
bool Supervisor::is_of_another_generation(pid_t pid, pid_t dead) const {
    const pid_t group = ::getpgid(pid);
    const std::array others{last_group_, old_group_, next_group_};
    return group != dead && std::ranges::find(others, group) != others.end();
}

// A generation that is being retired finishes by itself.
std::vector<pid_t> Supervisor::left_of_service() const {
    const auto all = os::processes();
    auto left = os::descendants(all, ::getpid());
    auto others = strangers_;
    if (lifecycle_.old_service()) others.insert(*lifecycle_.old_service());
    if (old_) others.insert(of_old_.begin(), of_old_.end());
    for (const pid_t stranger : others) {
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
    if (!os::catches(awaited_, plan().stop.signal.value_or(SIGTERM))) return false;
    if (!plan().stop.finishes_itself || age > plan().stop.hold) return true;
    const auto all = os::processes();
    return std::ranges::find(all, awaited_, &os::Process::parent) != all.end();
}

// FPM tells nobody when it has installed its handlers, so it is looked at: often while it is young,
// ever less often behind an entrypoint that takes its time, and never once it is up.
void Supervisor::watch_handlers() {
    if (awaited_ == 0 || lifecycle_.service() != awaited_) return;
    const auto age = now() - awaited_since_;
    const bool cannot_be_seen = age > plan().stop.hold && os::processes().empty();
    if (is_up(age) || cannot_be_seen) {
        const pid_t pid = std::exchange(awaited_, 0);
        feed(core::Catches{pid});
        if (!std::exchange(awaited_to_start_, false)) return;
        if (plan().answers) {
            wait_for_answer(pid);
        } else {
            feed(core::Ready{.pid = pid, .answers = false});
        }
        return;
    }
    if (age > 10s && !std::exchange(told_of_waiting_, true)) {
        os::log(Level::warning,
                plan().name + " is not in the place of pid " + std::to_string(awaited_) +
                    " after 10 s: if an entrypoint script starts it, let its last line be "
                    "exec \"$@\", or a stop reaches the script only and cuts requests",
                {{"event", "not_in_place"}, {"service_pid", awaited_}});
    }
    handlers_clock_.expires_after(std::clamp<std::chrono::nanoseconds>(age / 8, 2ms, 10s));
    handlers_clock_.async_wait([this](const boost::system::error_code& error) {
        if (!error) watch_handlers();
    });
}

} // namespace sluice
