#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "init/core/lifecycle.h"

namespace sluice::core {

/// What goes on at the fake service's sockets, counted from the close of the intake.
struct Traffic {
    Closing closing = Closing::refused;
    config::Duration queue_lasts{0};   // until the accept queue is empty
    config::Duration requests_last{0}; // until what is in flight is answered
    int requests = 0;                  // in flight, each in a worker of its own
    int idle_connections = 0;          // kept by clients, each held by a worker that waits
    config::Duration idle_for{500};    // those, so far
    bool client_closes = false;        // those, while their worker is looked at
    int silent_connections = 0;        // held by nobody who can be asked
    bool hidden = false;               // those workers get no signal
    bool behind_idle = false;          // the queue is not empty before one of those is let go
    int requests_come = 0;    // so many times something has come by the second look at those
    bool kernel_tells = true; // SOCK_DIAG
    bool workers_tell = true; // FPM's status
    int late_answers = 0;     // so many times it does not come in time
    bool tcp = true;
};

/// How a next generation fares.
struct NextScript {
    std::string turn_refused;
    std::string refused; // while it is made
    bool no_room = false;
    bool spawn_fails = false;
    bool port_taken = false;
    std::optional<config::Duration> ready_after = config::Duration(60);
    std::optional<config::Duration> dies_after; // from its start, or from the switch on as well
    std::string warm_up_refused;
    config::Duration old_requests_last{0}; // of the generation before, from the switch
    bool old_keeps_connection = false;     // a client of that one, to a worker
};

/// How the fake service behaves.
struct Script {
    std::optional<config::Duration> ready_after = config::Duration(30);
    std::map<int, config::Duration> ends_after; // signal -> how long it takes to end after it
    std::optional<config::Duration> dies_after; // by itself, from its start
    int dies_with = 0;                          // wait status
    std::optional<SpawnFailed> spawn_fails;
    bool executes_anew = false;   // at the stop: it has no handlers, every signal ends it
    bool leaves_orphan = false;   // a process that ends only by KILL
    bool orphan_is_worker = true; // and serves; or some program that PHP started
    bool switch_fails = false;
    std::optional<config::Duration> orphan_stays; // it ends by itself so long after its listener
    bool no_selector = false;                     // two listeners cannot share an address
    config::Duration old_queue_lasts{0};          // from the switch
    Traffic traffic{};
    NextScript next{};
};

/// Executes the lifecycle's actions against a script, on a clock that it moves to the next thing
/// that is due. No process, no waiting.
class World {
  public:
    World(Plan plan, Script script);

    void start() { feed(Start{}); }

    /// The event comes `after` the present moment; what is due before it happens before it.
    void after(config::Duration delay, Event event);

    /// The old generation's master is killed, with all of its workers or without.
    void kill_old(bool workers_too, int queued = 0);

    /// Its workers, who have outlived it so far.
    void kill_workers_of_old(int queued);

    /// The live one's master, which leaves what the script says.
    void kill_live();

    void signal(Event event) { after(config::Duration(0), std::move(event)); }

    /// Lets time pass until sluice has finished or `limit` is over.
    void run(config::Duration limit = std::chrono::minutes(10));

    const Lifecycle& lifecycle() const { return lifecycle_; }

    std::optional<int> exit_code() const { return exit_code_; }

    config::Duration elapsed() const;

    /// "spawn", "send QUIT 100", "sweep TERM", ... in order; no messages.
    const std::vector<std::string>& deeds() const { return deeds_; }

    const std::vector<std::string>& said() const { return said_; }

    bool did(const std::string& deed) const;

    /// How manieth deed this was, which has to have been done.
    std::size_t place(const std::string& deed) const;

    /// Whether a message has this part.
    bool said(const std::string& part) const;

    int spawns() const { return spawns_; }

    Script script;

  private:
    void feed(const Event& event);
    void execute(const Action& action);
    void execute_of_reload(const Action& action);
    Sight sight() const;
    Sight sight_of_old() const;
    void spawn();
    void spawn_next();
    void spawn_old();
    void end_workers_of_old();
    void deliver(pid_t pid, int signal);
    void end_service(pid_t pid, int wait_status);
    void end_orphan();

    bool orphan_serves() const { return orphan_ && script.orphan_is_worker; }

    void at(TimePoint when, std::function<void()> what);

    TimePoint now_{};
    std::multimap<TimePoint, std::function<void()>> agenda_;
    std::map<std::pair<Timer, Which>, unsigned> armed_;
    Lifecycle lifecycle_;
    std::optional<pid_t> alive_;
    std::optional<pid_t> next_alive_;
    std::optional<pid_t> old_alive_;
    bool catches_ = false; // the service has installed its handlers
    bool orphan_ = false;
    bool workers_of_old_ = false; // without a master
    TimePoint switched_at_{};
    TimePoint closed_at_{};
    std::vector<pid_t> paused_;
    std::vector<pid_t> released_;
    mutable int came_ = 0;
    mutable int answers_late_ = 0;
    int spawns_ = 0;
    std::optional<int> exit_code_;
    std::vector<std::string> deeds_;
    std::vector<std::string> said_;
};

Plan fpm_plan();

/// The same, with listeners that sluice owns.
Plan owning_plan();
Plan nginx_plan();
Plan plain_plan();

/// The wait status of a process that exited, or was ended by a signal.
constexpr int exited_with(int status) {
    return status << 8;
}

constexpr int killed_by(int signal) {
    return signal;
}

} // namespace sluice::core
