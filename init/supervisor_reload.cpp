#include <unistd.h>

#include <csignal>

#include "init/os/log.h"
#include "init/os/proc.h"
#include "init/supervisor.h"

// The steps of a reload.

namespace sluice {

using core::Level;
using core::Which;

std::unique_ptr<Supervisor::Working> Supervisor::set_to_work(Generation parts) {
    auto pages = parts.status.pages();
    return std::unique_ptr<Working>(
        new Working{std::move(parts), Outlook(loop_, intake_, std::move(pages)), {}, nullptr});
}

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

void Supervisor::execute(const core::TakeTurn& /*action*/) {
    feed(core::TurnTaken{});
}

void Supervisor::execute(const core::PrepareNext& /*action*/) {
    next_group_ = 0;
    renewal_.emplace(loop_, sources_, settings_,
                     [this](Renewed result) { renewed(std::move(result)); });
}

void Supervisor::renewed(Renewed result) {
    renewal_.reset();
    for (const auto& notice : result.notices) {
        os::log(Level::warning, "reload: " + notice, {{"event", "notice"}});
    }
    core::NextPrepared prepared{.refused = std::move(result.refused)};
    if (result.generation) {
        next_ = set_to_work(*std::move(result.generation));
        next_->relay = os::Relay::make(loop_);
        if (next_->relay) next_->parts.launch.error_output = next_->relay->write_end();
        next_settings_ = std::move(result.settings);
        prepared.plan = next_->parts.plan;
    }
    feed(std::move(prepared));
}

void Supervisor::prove(pid_t pid) {
    next_->outlook.inquiry().ping([this, pid] { feed(core::Ready{pid}); });
}

void Supervisor::execute(const core::WarmUp& /*action*/) {
    feed(core::WarmedUp{intake_.obstacle()});
}

void Supervisor::execute(const core::Promote& /*action*/) {
    const auto trouble = intake_.switch_over();
    if (!trouble.empty()) {
        os::log(Level::error, "the switch: " + trouble, {{"event", "switch_failed"}});
    }
    old_ = std::move(live_);
    live_ = std::move(next_);
    last_group_ = std::exchange(next_group_, 0);
    settings_ = std::move(next_settings_);
    os::set_up_log(plan().log_level, settings_.log.format);
    // Where the user has set pm.status_listen, the live generation answers now.
    if (!old_->parts.status.all_private()) old_->outlook.ask_at({});
}

void Supervisor::execute(const core::DropNext& /*action*/) {
    renewal_.reset();
    if (const auto master = lifecycle_.next_service()) {
        for (const pid_t pid : os::descendants(os::processes(), *master)) ::kill(pid, SIGKILL);
        ::kill(*master, SIGKILL);
    }
    if (next_group_ != 0) ::kill(-next_group_, SIGKILL); // whoever has outlived the master
    intake_.give_up_new();
    next_.reset();
}

void Supervisor::execute(const core::DropOld& /*action*/) {
    intake_.leave_old();
    old_.reset();
}

void Supervisor::execute(const core::EndTurn& /*action*/) {}

} // namespace sluice
