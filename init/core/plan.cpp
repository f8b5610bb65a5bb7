#include "init/core/plan.h"

#include <csignal>

#include "init/core/program_place.h"

namespace sluice::core {

namespace {

using config::Duration;
using config::Kind;
using signals::Meaning;
using signals::Rule;

// Base images set different STOPSIGNALs, so all three that ask a program to end drain.
void drain_on_stop_signals(signals::Rules& rules) {
    for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) rules[signal] = Rule{Meaning::drain};
}

// What the operator wrote wins over the kind's default, the command line over the file.
void override_rules(signals::Rules& rules, const signals::Rules& written) {
    for (const auto& [signal, rule] : written) rules[signal] = rule;
}

std::optional<Duration> deadline(const config::Settings& settings, std::optional<Duration> usual) {
    const auto chosen = settings.drain.deadline ? settings.drain.deadline : usual;
    if (chosen && *chosen == Duration::zero()) return {};
    return chosen;
}

void plan_php_fpm(Plan& plan, const config::Settings& settings) {
    using namespace std::chrono_literals;
    drain_on_stop_signals(plan.signals);
    // FPM's master has no handler for HUP and would die of it; USR2 is its own reload.
    for (const int signal : {SIGHUP, SIGUSR2}) plan.signals[signal] = Rule{Meaning::reload};
    plan.reload_signal = SIGUSR2;
    plan.reload.strategy = settings.reload.strategy;
    plan.reload.low_memory = settings.reload.low_memory;
    plan.stop.signal = settings.service.stop_signal.value_or(SIGQUIT);
    plan.stop.deadline = deadline(settings, 9s); // Docker kills 10 s after its stop signal
    // An FPM boots in 20 to 40 ms, with a preload script in some hundred.
    plan.stop.hold = 1s;
    plan.restarting.when = settings.service.restart.value_or(config::Restart::on_failure);
    plan.restarting.never_after = {fpm_config_error};
    plan.log_level = settings.log.level.value_or(config::LogLevel::info);
}

// HUP, USR1, USR2 and WINCH mean something to nginx, so they are passed on: its reload is its own.
void plan_nginx(Plan& plan, const config::Settings& settings) {
    using namespace std::chrono_literals;
    drain_on_stop_signals(plan.signals);
    plan.reload_signal = SIGHUP; // for a signal that the operator has set to "reload"
    plan.stop.signal = settings.service.stop_signal.value_or(SIGQUIT);
    plan.stop.deadline = deadline(settings, 9s);
    plan.stop.hold = 1s;
    plan.stop.finishes_itself = true;
    plan.restarting.when = settings.service.restart.value_or(config::Restart::on_failure);
    plan.log_level = settings.log.level.value_or(config::LogLevel::info);
}

// A plain service has nothing done to it that was not asked for.
void plan_plain(Plan& plan, const config::Settings& settings) {
    plan.stop.signal = settings.service.stop_signal;
    plan.stop.deadline = deadline(settings, {});
    plan.restarting.when = settings.service.restart.value_or(config::Restart::no);
    // A deadline needs a beginning; and a service that is started again when it dies of TERM could
    // not be stopped.
    if (plan.stop.deadline || plan.restarting.when != config::Restart::no) {
        drain_on_stop_signals(plan.signals);
    }
    plan.log_level = settings.log.level.value_or(config::LogLevel::warning);
}

} // namespace

Plan make_plan(Kind kind, const std::vector<std::string>& command, const config::Settings& settings,
               const Options& options) {
    Plan plan;
    plan.kind = kind;
    plan.command = command;
    plan.name = file_name(command.front());
    plan.stop.kill_after = settings.drain.kill_after;
    plan.stop.announce = settings.drain.announce;
    plan.stop.queue = settings.drain.queue;
    plan.stop.linger = settings.drain.linger;
    plan.reload.ready = settings.reload.ready;
    plan.reload.retire = settings.reload.retire;
    plan.reload.warms_up = !settings.reload.warmups.empty();
    plan.restarting.backoff = settings.service.restart_backoff;
    plan.restarting.limit = settings.service.restart_limit;
    switch (kind) {
    case Kind::php_fpm: plan_php_fpm(plan, settings); break;
    case Kind::nginx: plan_nginx(plan, settings); break;
    case Kind::plain: plan_plain(plan, settings); break;
    }
    if (plan.stop.deadline) { // a usual drain.queue may be longer than a short deadline
        const auto left = std::max<Duration>(*plan.stop.deadline - plan.stop.announce, Duration{0});
        plan.stop.queue = std::min<Duration>(plan.stop.queue, left / 2);
    }
    override_rules(plan.signals, settings.signals);
    override_rules(plan.signals, options.rewrites);
    plan.map_exit = options.map_exit;
    plan.signal_group = options.group;
    return plan;
}

} // namespace sluice::core
