#include "init/supervisor.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "init/fault_point.h"
#include "init/os/fallback.h"
#include "init/os/log.h"
#include "init/os/proc.h"
#include "init/trace.h"
#include "signals/meaning.h"
#include "signals/names.h"

namespace sluice {

using namespace std::chrono_literals;
using core::Level;

Supervisor::Supervisor(boost::asio::io_context& loop, signals::Inbox& inbox, Generation first,
                       Intake intake, config::Settings settings, Sources sources,
                       std::vector<int> inherited)
    : loop_(loop),
      settings_(std::move(settings)),
      sources_(std::move(sources)),
      inherited_(std::move(inherited)),
      intake_(std::move(intake)),
      live_(std::make_unique<Working>(loop, intake_, std::move(first))),
      turn_clock_(loop),
      handlers_of_next_(loop),
      lifecycle_(plan()),
      timers_(loop, [this](core::Timer timer, core::Which of) { on_time(timer, of); }),
      handlers_clock_(loop) {
    const auto before = os::descendants(os::processes(), ::getpid());
    strangers_.insert(before.begin(), before.end());
    inbox.deliver_to([this](const auto& batch) { on_signals(batch); });
}

int Supervisor::run() {
    try {
        open_control();
        feed(core::Start{});
        watch();
        while (!exit_code_) {
            // A loop that ran out of work stays stopped: every further call returns at once.
            if (loop_.run_one() == 0) throw std::logic_error("the event loop has stopped");
        }
        if (live_->relay) live_->relay->flush();
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
        ::kill(*service, plan().stop.signal.value_or(SIGTERM));
    }
    if (lifecycle_.next_service()) ::kill(-*lifecycle_.next_service(), SIGKILL);
    for (const auto* const generation : {live_.get(), old_.get()}) {
        if (generation != nullptr && generation->relay) generation->relay->leave_to_child();
    }
    // What is only held here would be held for ever: a slot of the node, clients that wait, the
    // connection to a status page, which keeps FPM from ending. Their owners act no more.
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    // Better the signal twice than a stop that is lost.
    for (const auto& received : unhandled_) ::kill(::getpid(), received.signal);
    const auto status = os::plain_init(*service, plan().stop.signal, plan().signals);
    if (!status) return core::exit_own_error;
    return core::mapped(plan().map_exit, core::exit_code(*status));
}

// --- what the loop brings -----------------------------------------------------------------------

void Supervisor::on_signals(const std::vector<signals::Received>& batch) {
    unhandled_ = batch;
    fault_point("signals");
    signals::sort_by_importance(unhandled_, plan().signals);
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
    if (resized && plan().kind == config::Kind::nginx) return;
    const auto rule = signals::meaning_of(received.signal, plan().signals);
    os::log(Level::debug,
            "signal " + signals::name_of(received.signal) + " from pid " +
                std::to_string(received.sender),
            {{"event", "signal"},
             {"signal", signals::name_of(received.signal)},
             {"sender_pid", received.sender}});
    switch (rule.meaning) {
    case signals::Meaning::drain: feed(core::DrainAsked{received.signal, received.sender}); break;
    case signals::Meaning::reload:
        asked_to_reload("signal " + signals::name_of(received.signal) +
                        (received.sender == 0 ? " from outside"
                                              : " from pid " + std::to_string(received.sender)));
        break;
    case signals::Meaning::forward:
        feed(core::ForwardAsked{rule.forward_as != 0 ? rule.forward_as : received.signal,
                                received.value});
        break;
    case signals::Meaning::ignore: break;
    }
}

void Supervisor::on_time(core::Timer timer, core::Which of) {
    const bool in_proof = timer == core::Timer::step && trial_;
    feed(core::TimerFired{timer, of, in_proof ? trial_->missing() : ""});
}

// --- the lifecycle ------------------------------------------------------------------------------

void Supervisor::feed(core::Event event) {
    events_.push_back(std::move(event));
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

} // namespace sluice
