#include "init/os/watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "init/core/words.h"

namespace sluice::os {

Watch::Watch(boost::asio::io_context& loop, Watched watched, Changed changed, Say say, Pace pace)
    : watched_(std::move(watched)),
      events_(loop),
      timer_(loop),
      changed_(std::move(changed)),
      say_(std::move(say)),
      pace_(pace),
      alive_(std::make_shared<bool>(true)) {
    if (watched_.descriptor() < 0) return;
    boost::system::error_code error;
    events_.assign(watched_.descriptor(), error);
    if (!error) wait();
}

Watch::Watch(boost::asio::io_context& loop, Watched watched, Changed changed, Say say)
    : Watch(loop, std::move(watched), std::move(changed), std::move(say), Pace{}) {}

Watch::~Watch() {
    if (events_.is_open()) events_.release(); // Inotify's own
}

std::vector<core::Message> Watch::describe() {
    std::vector<core::Message> messages;
    for (std::size_t path = 0; path < watched_.paths().size(); ++path) {
        messages.push_back({core::Level::info,
                            "reload.watch: watching " + watched_.what(path),
                            {{"path", watched_.paths()[path]}}});
    }
    for (auto& trouble : watched_.take_troubles()) {
        messages.push_back({core::Level::warning, std::move(trouble), {}});
    }
    return messages;
}

void Watch::wait() {
    events_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                       [this, alive = std::weak_ptr(alive_)](const auto& error) {
                           if (error || alive.expired()) return;
                           wait();
                           read();
                           report();
                       });
}

void Watch::read() {
    const auto changes = watched_.read();
    const auto now = Clock::now();
    if (pending_ && pending_->waits_for_lock && changes.lock_gone) {
        // What git does after the lock, hooks for one, gets its quiet and its limit anew.
        pending_->first = pending_->last = now;
        arm(now + pace_.quiet);
    }
    if (changes.paths.empty()) return;
    if (!pending_) {
        pending_ = Pending{{}, *changes.paths.begin(), now, now, {}};
        arm(now + pace_.quiet);
    }
    // The timer stays where it is: in a storm it is put off when it fires, not at every event.
    pending_->paths.insert(changes.paths.begin(), changes.paths.end());
    pending_->last = now;
}

void Watch::report() {
    for (auto& trouble : watched_.take_troubles()) {
        if (say_) say_({core::Level::warning, std::move(trouble), {}});
    }
}

void Watch::arm(Clock::time_point at) {
    timer_.expires_at(at);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& error) {
        if (!error && !alive.expired()) on_time();
    });
}

void Watch::on_time() {
    read(); // what came meanwhile counts, also where the whole container stood still (docker pause)
    report();
    if (!pending_) return;
    const auto now = Clock::now();
    const auto due = std::min(pending_->last + pace_.quiet, pending_->first + pace_.longest);
    if (now < due) return arm(due);
    if (const auto lock = watched_.held_lock(pending_->paths)) {
        if (!pending_->waits_for_lock) pending_->waits_for_lock = now;
        const auto until = *pending_->waits_for_lock + pace_.lock;
        if (now < until) return arm(until);
        if (say_) say_(stays_locked(*lock));
    }
    fire();
}

core::Message Watch::stays_locked(const std::string& lock) const {
    return {core::Level::warning,
            "reload.watch: " + lock + " is still there after " + core::in_words(pace_.lock) +
                "; going on without waiting for git; if no git is running, remove it",
            {{"path", lock}}};
}

void Watch::fire() {
    auto changed = *std::exchange(pending_, {});
    changed.paths.erase(changed.first_path);
    std::vector<std::size_t> in_order{changed.first_path};
    in_order.insert(in_order.end(), changed.paths.begin(), changed.paths.end());
    // What has gone is told when it is back.
    const auto found =
        std::ranges::find_if(in_order, [this](std::size_t path) { return watched_.exists(path); });
    if (found == in_order.end()) return;
    const auto path = watched_.paths()[*found];
    const auto tell = changed_;
    tell(path, changed.last); // may be the end of us
}

} // namespace sluice::os
