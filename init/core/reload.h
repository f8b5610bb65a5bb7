#pragma once

#include <optional>
#include <string>

#include "init/core/action.h"
#include "init/core/plan.h"

namespace sluice::core {

/// One reload, from the moment it is asked for until the next generation has proved itself or is
/// given up. Pure; the lifecycle owns it, tells it what happens, and carries out the switch.
///
/// delayed    The splay: not all containers of a node reload at once.
/// queued     For this container's turn (reload.slots).
/// preparing  The configuration is read again, reload.check and FPM's own check are run.
/// starting   Listeners of its own are there, its FPM is being spawned.
/// proving    Its FPM boots. It has proved itself when it answers a ping in every pool.
/// warming    It gets the requests of reload.warmup.
/// proved     Users may come: new connections are being switched over.
/// by_signal  There is no room for two generations: the service is to reload by itself.
/// leaving    It is given up, and not gone yet.
/// over       It is gone, or there never was one.
///
/// Until it is proved nothing that happens to it concerns the live generation. Whatever goes wrong
/// gives it up: its processes are killed (none of them has met a user; and FPM's master, ended in
/// peace, would delete the pid file by name), its listeners are shut.
class Reload {
  public:
    enum class Phase {
        delayed,
        queued,
        preparing,
        starting,
        proving,
        warming,
        proved,
        by_signal,
        leaving,
        over
    };

    /// `generation` is the next one's number, `live` the live one's.
    Reload(const Plan& plan, int generation, int live, ReloadAsked asked, TimePoint since);

    void begin(TimePoint now, Actions& actions);

    /// Another reload was asked for. False: too late for it to be this one.
    bool joined_by(const ReloadAsked& other, TimePoint now, Actions& actions);

    void on(const TurnTaken& event, TimePoint now, Actions& actions);
    void on(const NextPrepared& event, TimePoint now, Actions& actions);
    void on(const CannotJoin& event, TimePoint now, Actions& actions);
    void on(const Spawned& event, TimePoint now, Actions& actions);
    void on(const SpawnFailed& event, TimePoint now, Actions& actions);
    void on(const Ready& event, TimePoint now, Actions& actions);
    void on(const WarmedUp& event, TimePoint now, Actions& actions);
    void on(const SwitchFailed& event, TimePoint now, Actions& actions);

    /// Timer::step of the next generation. `missing`: what the step waited for in vain.
    void on_time(const std::string& missing, TimePoint now, Actions& actions);

    /// Its master has ended.
    void ended(const std::string& how, TimePoint now, Actions& actions);

    /// Something else is more important: `why` says what.
    void abandon(const std::string& why, Actions& actions);

    Phase phase() const { return phase_; }

    /// Its master, as long as that lives.
    std::optional<pid_t> master() const { return master_; }

    /// It shares the live generation's listeners.
    bool shares() const { return shares_; }

    /// By which it runs.
    const Plan& plan() const { return plan_; }

    int generation() const { return generation_; }

    const ReloadAsked& asked() const { return asked_; }

    /// When its turn came, until then when it was asked for: waiting is no part of what it takes.
    TimePoint since() const { return since_; }

  private:
    void give_up(const std::string& why, TimePoint now, Actions& actions);
    void drop(Actions& actions);
    void enter(Phase phase, TimePoint now);
    void took(const std::string& what, Fields fields, TimePoint now, Actions& actions) const;

    Plan plan_;
    int generation_;
    int live_;
    ReloadAsked asked_;
    TimePoint since_;
    Phase phase_ = Phase::delayed;
    TimePoint entered_;
    bool shares_;
    std::optional<pid_t> master_;
};

const char* to_string(Reload::Phase phase);

} // namespace sluice::core
