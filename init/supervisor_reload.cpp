#include <unistd.h>

#include <csignal>
#include <system_error>

#include "init/core/words.h"
#include "init/os/log.h"
#include "init/os/memory.h"
#include "init/os/oom.h"
#include "init/os/pid_file.h"
#include "init/os/proc.h"
#include "init/os/random.h"
#include "init/supervisor.h"

// The steps of a reload.

namespace sluice {

using namespace std::chrono_literals;
using core::Level;
using core::Which;

Supervisor::Working& Supervisor::working(Which which) {
    switch (which) {
    case Which::live: break;
    case Which::next: return *next_;
    case Which::old: return *old_;
    }
    return *live_;
}

std::optional<pid_t> Supervisor::master_of(Which which) const {
    switch (which) {
    case Which::live: return lifecycle_.service();
    case Which::next: return lifecycle_.next_service();
    case Which::old: return lifecycle_.old_service();
    }
    return {};
}

pid_t& Supervisor::group_of(Which which) {
    switch (which) {
    case Which::live: break;
    case Which::next: return next_group_;
    case Which::old: return old_group_;
    }
    return last_group_;
}

// --- what asks for one ---------------------------------------------------------------------------

// Dozens of containers get the same signal, or see the same file change, at the same instant.
void Supervisor::asked_to_reload(const std::string& by) {
    const auto splay = settings_.reload.splay;
    feed(core::ReloadAsked{.by = by, .splay = os::random_below(splay)});
}

// A service without a way to reload has nothing to watch for.
void Supervisor::watch() {
    watch_.reset();
    const auto& paths = settings_.reload.watch;
    if (paths.empty() || !plan().reload_signal) return;
    watch_.emplace(
        loop_, os::Watched(paths, files_of_reloads()),
        [this](const std::string& path, core::TimePoint last) {
            if (read_at_ && last < *read_at_) {
                os::log(Level::info,
                        "a change of " + path + ": the last reload came after it and has read it");
                os::flush_log();
                return;
            }
            // Something may be changing all the time: a log below a watched folder, say.
            constexpr auto least_pause = 10s;
            const auto moment = now();
            core::ReloadAsked asked{.by = "a change of " + path,
                                    .splay = os::random_below(settings_.reload.splay)};
            if (watch_began_reload_ && *watch_began_reload_ > moment) {
                // One has not begun yet, and will see this, too: it is not put off.
                asked.splay = std::chrono::ceil<config::Duration>(*watch_began_reload_ - moment);
            } else if (watch_began_reload_ && moment - *watch_began_reload_ < least_pause) {
                asked.splay += std::chrono::duration_cast<config::Duration>(*watch_began_reload_ +
                                                                            least_pause - moment);
                asked.splay_of = "at least " + core::in_words(least_pause) +
                                 " between two that reload.watch begins";
            }
            watch_began_reload_ = asked.not_before = moment + asked.splay;
            feed(std::move(asked));
            os::flush_log();
        },
        [](const core::Message& message) { os::log(message); });
    for (const auto& message : watch_->describe()) os::log(message);
    look_for_missed_release();
}

// Between the reading of the link and the first watch somebody may have flipped it.
void Supervisor::look_for_missed_release() {
    if (plan().release.empty()) return;
    const auto& link = settings_.reload.release;
    const auto release = resolve_release(link);
    const auto* const found = std::get_if<std::optional<fpm::Release>>(&release);
    if (found == nullptr || !*found || (*found)->folder == plan().release) return;
    feed(core::ReloadAsked{.by = "a change of " + *link + " right before it was watched"});
}

std::set<std::string> Supervisor::files_of_reloads() const {
    std::set<std::string> files;
    for (const auto& wish : live_->parts.wishes) {
        if (const auto* const path = std::get_if<net::PathEndpoint>(&wish.wanted.endpoint)) {
            files.insert(path->path);
        }
    }
    if (!live_->parts.user_pid_file.empty()) files.insert(live_->parts.user_pid_file);
    if (control_) files.insert(control_->address());
    return files;
}

// --- its turn, and what it is made of ------------------------------------------------------------

void Supervisor::execute(const core::TakeTurn& /*action*/) {
    told_of_turn_ = false;
    take_turn();
}

void Supervisor::take_turn() {
    const auto& reload = settings_.reload;
    if (!reload.slots_dir) {
        feed(core::TurnTaken{});
        return;
    }
    auto taken = os::Slots(*reload.slots_dir, reload.slots).try_take();
    if (auto* const slot = std::get_if<os::Slot>(&taken)) {
        slot_ = std::move(*slot);
        feed(core::TurnTaken{});
        return;
    }
    if (auto* const trouble = std::get_if<std::string>(&taken)) {
        feed(core::TurnTaken{std::move(*trouble)});
        return;
    }
    if (!std::exchange(told_of_turn_, true)) {
        const auto& note = std::get<os::Busy>(taken).note;
        const auto text = "waits for one of " + core::count_of(reload.slots, "slot") + " in " +
                          *reload.slots_dir + (note.empty() ? "" : "; " + note);
        os::log(Level::info, "reload: " + text, {{"event", "reload_queued"}});
        reloads_.begins("queued", text);
    }
    // A lock tells nobody that it is free again.
    constexpr auto next_try = 200ms;
    turn_clock_.expires_after(next_try);
    turn_clock_.async_wait([this](const boost::system::error_code& error) {
        if (!error && lifecycle_.waits_for_turn()) take_turn();
    });
}

void Supervisor::execute(const core::EndTurn& /*action*/) {
    slot_.reset();
    next_group_ = 0; // the number may be another's by the next reload
    turn_clock_.cancel();
}

void Supervisor::execute(const core::PrepareNext& /*action*/) {
    reloads_.begins("preparing");
    read_at_ = now();
    const auto number = lifecycle_.generation(Which::next);
    ask_pools(loop_, live_->parts.status.pages(), {}, [this, number](const PoolStatuses& statuses) {
        if (number != lifecycle_.generation(Which::next)) return; // given up since
        renew(statuses.live.value_or(std::vector<fpm::Status>{}));
    });
}

void Supervisor::renew(std::vector<fpm::Status> pools) {
    renewal_.emplace(loop_, sources_,
                     Before{.settings = settings_,
                            .pools = std::move(pools),
                            .no_room = no_room(),
                            .release = plan().release,
                            .by_signal = plan().reload.strategy == config::Strategy::signal,
                            .snapshot = live_->parts.snapshot},
                     [this](Renewed result) { renewed(std::move(result)); });
}

// Why a second generation like the live one does not fit into the container's memory.
std::string Supervisor::no_room() const {
    const auto limit = os::memory_limit();
    const auto master = lifecycle_.service();
    if (!limit || !master) return {};
    return core::room(limit->limit, limit->used, os::memory_of(processes_of(*master))).value_or("");
}

// The master first, and all that are below it.
std::vector<pid_t> Supervisor::processes_of(pid_t master) const {
    std::vector processes{master};
    for (const pid_t pid : os::descendants(os::processes(), master)) processes.push_back(pid);
    return processes;
}

void Supervisor::renewed(Renewed result) {
    renewal_.reset();
    for (const auto& notice : result.notices) {
        os::log(Level::warning, "reload: " + notice, {{"event", "notice"}});
    }
    core::NextPrepared prepared{.refused = std::move(result.refused),
                                .by_signal = result.by_signal};
    if (result.generation) {
        next_ = std::make_unique<Working>(loop_, intake_, *std::move(result.generation));
        next_settings_ = std::move(result.settings);
        // Only if it can be set back: else it would be the whole node's first victim for ever. What
        // may be done to the live one's processes may be done to those that are made like them.
        const auto master = lifecycle_.service();
        next_->parts.launch.first_victim = master && os::can_set_oom_score(processes_of(*master));
        next_->relay = os::Relay::make(loop_);
        if (next_->relay) next_->parts.launch.error_output = next_->relay->write_end();
        prepared.plan = next_->parts.plan;
        reloads_.begins("starting");
    }
    feed(std::move(prepared));
}

// --- its proof -----------------------------------------------------------------------------------

void Supervisor::prove(pid_t pid) {
    reloads_.begins("proving");
    trial_.emplace(loop_, next_->parts, intake_);
    if (trial_->possible()) {
        trial_->prove([this, pid] { prove_it_is_whole(pid); });
    } else if (next_->outlook.inquiry().can_ask()) { // it shares the listeners
        next_->outlook.inquiry().ping([this, pid] { feed(core::Ready{pid}); });
    } else {
        await_handlers_of_next(pid);
    }
}

// A pool's first worker answers while FPM starts the others. If it cannot start them all (a limit
// of processes), FPM ends, with 0. Its status pool is "ondemand": that has a worker only when all
// the others are there. Where it gets none at all the generation is taken for whole after a while.
void Supervisor::prove_it_is_whole(pid_t pid) {
    constexpr std::chrono::milliseconds usual = 5s; // FPM that ends takes a fraction of it
    if (!next_->parts.plan.answers || !next_->outlook.inquiry().can_ask()) {
        feed(core::Ready{pid});
        return;
    }
    next_->outlook.inquiry().ping([this, pid] {
        handlers_of_next_.cancel();
        feed(core::Ready{pid});
    });
    handlers_of_next_.expires_after(std::min(usual, next_->parts.plan.reload.ready / 2));
    handlers_of_next_.async_wait([this, pid](const boost::system::error_code& error) {
        if (error || !next_ || lifecycle_.next_service() != pid) return;
        next_->outlook.inquiry().close();
        os::log(Level::warning,
                "reload: every pool of generation " +
                    std::to_string(lifecycle_.generation(Which::next)) +
                    " answers, but not its status pool: does something keep that from having a "
                    "worker (process.max, a limit of processes)?",
                {{"event", "no_answer"}, {"service_pid", pid}});
        feed(core::Ready{pid});
    });
}

// It shares the listeners and has no status page (PHP 7.4): nobody can ask it alone.
void Supervisor::await_handlers_of_next(pid_t pid) {
    if (lifecycle_.next_service() != pid) return;
    if (os::catches(pid, SIGQUIT)) {
        feed(core::Ready{.pid = pid, .answers = false});
        return;
    }
    handlers_of_next_.expires_after(5ms);
    handlers_of_next_.async_wait([this, pid](const boost::system::error_code& error) {
        if (!error) await_handlers_of_next(pid);
    });
}

void Supervisor::execute(const core::WarmUp& /*action*/) {
    reloads_.begins("warming");
    const auto& entries = next_settings_.reload.warmups;
    if (!trial_->possible()) {
        if (!entries.empty()) {
            os::log(Level::warning,
                    "reload: no warm-up, since the next generation shares the listeners of the "
                    "live one; users meet it cold",
                    {{"event", "no_warm_up"}});
        }
        feed(core::WarmedUp{});
        return;
    }
    int requests = 0;
    for (const auto& entry : entries) requests += entry.count;
    trial_->warm_up(entries, [this, requests](const std::optional<std::string>& complaint) {
        feed(core::WarmedUp{complaint.value_or(intake_.obstacle()), requests});
    });
}

void Supervisor::execute(const core::Promote& /*action*/) {
    old_ = std::move(live_);
    live_ = std::move(next_);
    old_group_ = std::exchange(last_group_, std::exchange(next_group_, 0));
    const auto watched = std::exchange(settings_, std::move(next_settings_)).reload.watch;
    if (watched != settings_.reload.watch) watch();
    os::set_up_log(plan().log_level, settings_.log.format);
    write_pid_file(*lifecycle_.service());
    // Where the user has set pm.status_listen, the live generation answers now.
    if (!old_->parts.status.all_private()) old_->outlook.ask_at({});
    swap_victims();
}

// Where memory runs out, the kernel is to end what users can do without: until the switch the next
// generation, then the old one. A master before its workers: whoever it forks meanwhile inherits.
void Supervisor::swap_victims() {
    if (!live_->parts.launch.first_victim) return;
    live_->parts.launch.first_victim = false; // its next run has nobody beside it
    const auto master = *lifecycle_.service();
    if (!os::spare({master}) || !os::spare(left_of_service())) {
        os::log(Level::warning,
                "the new generation cannot be given its oom_score_adj back: where memory runs out "
                "the kernel ends it first; restart the container, and give sluice "
                "CAP_DAC_OVERRIDE (--cap-add DAC_OVERRIDE)",
                {{"event", "first_victim"}, {"service_pid", master}});
    }
    const auto old = lifecycle_.old_service();
    if (!old) return;
    os::make_first_victims({*old});
    std::vector<pid_t> workers; // not what PHP has started, which may outlive them
    for (const auto& process : os::processes()) {
        if (process.parent == *old) workers.push_back(process.pid);
    }
    os::make_first_victims(workers);
}

void Supervisor::execute(const core::DropNext& /*action*/) {
    renewal_.reset();
    trial_.reset();
    if (const auto master = lifecycle_.next_service()) {
        for (const pid_t pid : os::descendants(os::processes(), *master)) ::kill(pid, SIGKILL);
        ::kill(*master, SIGKILL);
    }
    if (next_group_ != 0) ::kill(-next_group_, SIGKILL); // whoever has outlived the master
    intake_.give_up_new();
    if (next_ && next_->relay) {
        next_->relay->flush();
        reloads_.keep_stderr(next_->relay->last_lines());
    }
    if (next_) next_->parts.status.shut(); // a worker of another user may have outlived the signal
    next_.reset();
}

void Supervisor::execute(const core::DropOld& /*action*/) {
    intake_.leave_old();
    if (old_) old_->parts.status.shut();
    old_.reset();
    old_group_ = 0;               // as next_group_
    os::spare(left_of_service()); // what a worker has started since it was made a first victim
    // The first generation's FPM has removed it.
    if (lifecycle_.service()) write_pid_file(*lifecycle_.service());
}

// FPM's own, where the user wants one and FPM cannot be left to it (Generation::pid_file).
void Supervisor::write_pid_file(pid_t master) {
    const auto& path = live_->parts.pid_file;
    if (path.empty()) return;
    const int error = os::write_pid_file(path, master);
    if (error == 0) return;
    os::log(Level::warning,
            "the pid file " + path +
                " cannot be written: " + std::generic_category().message(error) +
                "; what goes by it finds no FPM: make its folder writable, or remove \"pid\" from "
                "php-fpm.conf",
            {{"event", "no_pid_file"}, {"path", path}});
}

} // namespace sluice
