#include "config/check.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "config/check_reload.h"
#include "config/findings.h"
#include "config/values.h"
#include "signals/names.h"

namespace sluice::config {

namespace {

using signals::Meaning;

// PHP-FPM's and nginx's (init/core/plan): what the command is, is not known here.
constexpr Duration usual_deadline{9'000};

class Check {
  public:
    Check(const Settings& settings, Findings& findings)
        : settings_(settings), findings_(findings) {}

    void run() {
        reload_of_a_plain_service();
        stop_signal_that_stops_nothing();
        stop_signal_that_cuts_requests();
        nothing_drains();
        kill_without_deadline();
        no_time_left_to_finish();
        limit_out_of_reach();
    }

  private:
    void error(const std::string& key, const std::string& message) {
        findings_.error(key, message);
    }

    void warn(const std::string& key, const std::string& message) { findings_.warn(key, message); }

    bool written(std::string_view key) const { return findings_.written(key); }

    void reload_of_a_plain_service() {
        if (settings_.service.kind != Kind::plain) return;
        for (const auto& [signal, rule] : settings_.signals)
            if (rule.meaning == Meaning::reload)
                error(
                    "signals." + signals::name_of(signal),
                    "\"reload\" has nothing to reload with service.kind = \"plain\"; write "
                    "\"forward\", or \"forward NAME\" with the signal that the service reloads on");
    }

    void stop_signal_that_stops_nothing() {
        const int signal = settings_.service.stop_signal.value_or(SIGTERM);
        constexpr std::array pausing{SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
        if (std::ranges::find(pausing, signal) != pausing.end())
            error("service.stop_signal",
                  signals::name_of(signal) +
                      " pauses a process and does not end it; write one that ends it, as in "
                      "\"TERM\" or \"QUIT\"");
    }

    // php-fpm or nginx by the file's own word: what the command makes of it is not known here.
    bool is_server() const {
        return settings_.service.kind == Kind::php_fpm || settings_.service.kind == Kind::nginx;
    }

    void stop_signal_that_cuts_requests() {
        if (!is_server()) return;
        const std::string name = settings_.service.kind == Kind::nginx ? "nginx" : "PHP-FPM";
        const int signal = settings_.service.stop_signal.value_or(SIGQUIT);
        if (signal == SIGTERM || signal == SIGINT || signal == SIGKILL)
            warn("service.stop_signal",
                 signals::name_of(signal) + " makes " + name +
                     " cut the requests in flight; remove the key, or write \"QUIT\", which lets "
                     "them finish");
    }

    void nothing_drains() {
        const bool expected = is_server() ||
                              settings_.drain.deadline.value_or(Duration{0}) > Duration{0} ||
                              settings_.service.restart.value_or(Restart::no) != Restart::no;
        if (!expected) return;
        const auto& rules = settings_.signals;
        for (const int signal : {SIGTERM, SIGINT, SIGQUIT})
            if (!rules.contains(signal)) return; // they drain by default
        const bool any = std::ranges::any_of(
            rules, [](const auto& entry) { return entry.second.meaning == Meaning::drain; });
        if (!any)
            warn("signals.TERM",
                 "no signal is set to \"drain\": a stop cuts what is in flight, and with a restart "
                 "policy the service is started again; write TERM = \"drain\"");
    }

    void kill_without_deadline() {
        if (settings_.drain.deadline == Duration{0} && written("drain.kill_after"))
            warn("drain.kill_after", "has no effect with drain.deadline = \"0s\", which is none; "
                                     "remove one of the two");
    }

    void no_time_left_to_finish() {
        const bool none = settings_.drain.deadline == Duration{0};
        if (none || (!written("drain.announce") && !written("drain.queue"))) return;
        if (!settings_.drain.deadline && settings_.service.kind == Kind::plain) return;
        const auto limit = settings_.drain.deadline.value_or(usual_deadline);
        const auto before = settings_.drain.announce + settings_.drain.queue;
        if (before < limit) return;
        error(written("drain.announce") ? "drain.announce" : "drain.queue",
              "drain.announce and drain.queue together take " + text_of(before) +
                  " of a drain.deadline of " + text_of(limit) +
                  ", which leaves no time to finish requests; shorten them, or lengthen the "
                  "deadline and what Docker allows (stop_grace_period)");
    }

    void limit_out_of_reach() {
        const auto& service = settings_.service;
        const auto* const key =
            written("service.restart_limit") ? "service.restart_limit" : "service.restart_backoff";
        if (service.restart == Restart::no || !written(key)) return;
        Duration pauses{0};
        auto pause = service.restart_backoff.first;
        for (int restart = 0; restart < service.restart_limit.count; ++restart) {
            pauses += pause;
            pause = std::min(pause * 2, service.restart_backoff.longest);
        }
        if (pauses > service.restart_limit.window)
            warn(key, "the pauses alone of " + std::to_string(service.restart_limit.count) +
                          " restarts last " + text_of(pauses) + ", longer than the window of " +
                          text_of(service.restart_limit.window) +
                          ", so sluice never gives up; make service.restart_limit's window longer");
    }

    const Settings& settings_;
    Findings& findings_;
};

} // namespace

Problems check(const Settings& settings, const Places& places) {
    Findings findings(places);
    Check(settings, findings).run();
    check_reload(settings, findings);
    return findings.problems();
}

} // namespace sluice::config
