#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <set>

#include "init/control/server.h"
#include "init/core/lifecycle.h"
#include "init/core/report.h"
#include "init/generation.h"
#include "init/os/relay.h"
#include "init/os/slots.h"
#include "init/os/watch.h"
#include "init/outlook.h"
#include "init/reload_log.h"
#include "init/renewal.h"
#include "init/status_query.h"
#include "init/timers.h"
#include "init/trial.h"
#include "signals/inbox.h"

namespace sluice {

/// The shell around the lifecycle: turns what the loop brings into events, and actions into calls.
/// It decides nothing.
class Supervisor {
  public:
    /// `first` is the service's first generation, `intake` has its listeners. `settings` are those
    /// in force, `sources` is where the next generation's come from. `inherited` are the
    /// descriptors that sluice was started with (os::inherited_descriptors); they are closed here
    /// once no further run can need them.
    Supervisor(boost::asio::io_context& loop, signals::Inbox& inbox, Generation first,
               Intake intake, config::Settings settings, Sources sources,
               std::vector<int> inherited);

    /// Starts the service and runs the loop until it is over. Gives sluice's exit status.
    /// What a handler throws is logged, and from then on sluice is a plain init for its service.
    int run();

  private:
    void on_signals(const std::vector<signals::Received>& batch);
    void on_signal(const signals::Received& received);
    void on_time(core::Timer timer, core::Which of);
    void reap();
    bool take_orphans(pid_t dead, core::Which of);
    bool is_of_another_generation(pid_t pid, pid_t dead) const;
    void on_end(pid_t pid, int wait_status, bool tree_empty);
    std::vector<pid_t> left_of_service() const;
    void watch_handlers();
    void wait_for_answer(pid_t pid);
    bool is_up(core::TimePoint::duration age) const;

    static core::TimePoint now() { return core::TimePoint::clock::now(); }

    void feed(core::Event event);
    void handle(const core::Event& event);

    void execute(const core::Message& message);
    void execute(const core::Spawn& action);
    void execute(const core::TakeTurn& action);
    void execute(const core::PrepareNext& action);
    void execute(const core::WarmUp& action);
    void execute(const core::Promote& action);
    void execute(const core::DropNext& action);
    void execute(const core::DropOld& action);
    void execute(const core::EndTurn& action);
    void execute(const core::SwitchOver& action);
    void execute(const core::LookAtOld& action);
    void execute(const core::ShutOld& action);
    void execute(const core::LeaveOld& action);
    void execute(const core::SignalOrphans& action) const;
    std::optional<core::CannotJoin> make_listeners(const core::Spawn& action);
    void look_for_missed_release();
    std::set<std::string> files_of_reloads() const;
    void take_turn();
    void prove(pid_t pid);
    void prove_it_is_whole(pid_t pid);
    void await_handlers_of_next(pid_t pid);
    void execute(const core::AwaitReady& action);
    void execute(const core::AwaitHandlers& action);
    void execute(const core::CloseUnserved& action);
    void execute(const core::CloseIntake& action);
    void execute(const core::HoldOff& action);
    void execute(const core::Look& action);
    void signal_workers(const std::vector<pid_t>& workers, core::Which of, int signal) const;
    void execute(const core::Pause& action);
    void execute(const core::Resume& action);
    void execute(const core::Release& action);
    void have_workers_leave(pid_t master);
    void execute(const core::Send& action);
    void execute(const core::Sweep& action) const;
    void execute(const core::NameCut& action);
    void execute(const core::SuspendSelf& action) const;
    void execute(const core::Arm& action);
    void execute(const core::Finish& action);

    using PagesOfPools = std::vector<fpm::StatusPage>;

    void open_control();
    void on_request(control::Request request, const std::shared_ptr<control::Session>& client);
    PagesOfPools old_pages() const;
    core::Report report(const PoolStatuses& statuses) const;
    core::Report::Generation describe(core::Which which, core::TimePoint moment) const;
    void add_pools(const PoolStatuses& statuses, core::Report& report) const;

    // A generation as it is at work.
    struct Working {
        Working(boost::asio::io_context& loop, Intake& intake, Generation made)
            : parts(std::move(made)), outlook(loop, intake, parts.status.pages()) {}

        Generation parts;
        core::TimePoint since = now();
        Outlook outlook;
        std::vector<pid_t> paused;        // workers
        std::unique_ptr<os::Relay> relay; // of its stderr; null: it has ours
    };

    core::Plan& plan() { return live_->parts.plan; }

    const core::Plan& plan() const { return live_->parts.plan; }

    Working& working(core::Which which);
    std::optional<pid_t> master_of(core::Which which) const;
    pid_t& group_of(core::Which which);
    void renew(std::vector<fpm::Status> pools);
    void renewed(Renewed result);
    std::string no_room() const;
    std::vector<pid_t> processes_of(pid_t master) const;
    void swap_victims();
    void write_pid_file(pid_t master);
    void watch();
    void asked_to_reload(const std::string& by);
    void let_go_of_what_was_inherited();
    int go_on_as_plain_init();

    boost::asio::io_context& loop_;
    config::Settings settings_;
    Sources sources_;
    std::vector<int> inherited_;
    Intake intake_;
    std::unique_ptr<Working> live_;
    std::unique_ptr<Working> next_;
    std::unique_ptr<Working> old_;
    std::optional<Renewal> renewal_; // while the next one is being made
    config::Settings next_settings_;
    pid_t next_group_ = 0; // of its master
    pid_t old_group_ = 0;
    std::optional<Trial> trial_; // of the next one
    ReloadLog reloads_;
    std::optional<control::Server> control_;
    std::optional<os::Slot> slot_;
    std::optional<os::Watch> watch_;
    std::optional<core::TimePoint> watch_began_reload_;
    std::optional<core::TimePoint> read_at_; // since when a reload has read everything anew
    boost::asio::steady_timer turn_clock_;
    boost::asio::steady_timer handlers_of_next_;
    bool told_of_turn_ = false;
    core::TimePoint began_ = now();
    core::Lifecycle lifecycle_;
    Timers timers_;
    std::vector<signals::Received> unhandled_; // of the batch at hand
    std::deque<core::Event> events_;           // what actions bring about, after the event at hand
    bool handling_ = false;

    boost::asio::steady_timer handlers_clock_;
    pid_t awaited_ = 0;             // the process whose handlers are watched for; 0: none
    bool awaited_to_start_ = false; // they make it ready
    core::TimePoint awaited_since_;
    bool told_of_waiting_ = false;

    pid_t last_group_ = 0; // of the last run
    // Children that were there before the service, of a script that ended with exec sluice: not the
    // service's, and not swept with it.
    std::set<pid_t> strangers_;
    std::set<pid_t> orphans_; // what a dead master left behind, but that of a retiring generation
    std::set<pid_t> of_old_; // who has the listeners that were switched away from, without a master
    std::optional<int> exit_code_;
};

} // namespace sluice
