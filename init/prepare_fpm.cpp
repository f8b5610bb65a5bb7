#include "init/prepare_fpm.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "init/core/exit_status.h"
#include "init/core/words.h"
#include "init/fpm/config_check.h"
#include "init/fpm/wrapper.h"
#include "init/os/accounts.h"
#include "init/os/proc.h"

namespace sluice {

namespace {

using End = os::Captured::End;

class Preparation {
  public:
    Preparation(Prepared& result, fpm::Service service, const std::vector<std::string>& environment,
                const std::string& search_path, const RunCheck& run)
        : result_(result), run_(run) {
        call_.service = std::move(service);
        call_.environment = environment;
        call_.search_path = search_path;
    }

    void prepare(const std::optional<std::string>& release_link, Purpose purpose) {
        ask();
        if (!result_.problems.empty() || result_.stopped) return;
        auto release = resolve_release(release_link);
        if (const auto* const why = std::get_if<std::string>(&release)) {
            refuse(core::exit_own_error, *why);
            return;
        }
        const fpm::Needs needs{.release = std::get<0>(std::move(release))};
        result_.first =
            make_fpm_generation(std::move(result_.first.plan), call_, told_, needs, purpose);
        tell_of_workers_out_of_reach();
        result_.fpm = std::move(call_);
    }

    void prepare_unseen(Purpose purpose) {
        const auto checked = check();
        if (checked.end == End::asked_to_stop) result_.stopped = true;
        if (checked.end != End::exited || checked.wait_status != 0) return;
        call_.config = config_file(checked.output);
        discover();
        if (told_) own_unseen_sockets(result_.first, told_->config, purpose);
        // What starts FPM may do so with another configuration than this one.
        result_.first.plan.reload.strategy = config::Strategy::signal;
    }

  private:
    const fpm::Service& service() const { return call_.service; }

    void notice(std::string text) { result_.first.plan.notices.push_back(std::move(text)); }

    // cap_drop ALL with SETUID and SETGID back: FPM starts, and cannot stop.
    void tell_of_workers_out_of_reach() {
        if (os::may_signal_other_users()) return;
        for (const auto& pool : result_.first.pools) {
            if (::geteuid() != 0 || os::user_id(pool.user).value_or(0) == 0) continue;
            notice("CAP_KILL is missing: neither sluice nor " + service().program +
                   ", which are root, may signal workers of another user (pool " + pool.name +
                   ": " + pool.user +
                   "). Idle ones are made to leave at a stop and a reload; a request that hangs "
                   "cannot be cut, and request_terminate_timeout does nothing; add the capability "
                   "(docker run --cap-add KILL; cap_add: [KILL]), or run all as that user");
            return;
        }
    }

    void refuse(int exit_code, const std::string& why) {
        if (result_.exit_code == 0) result_.exit_code = exit_code;
        result_.problems.push_back(why);
    }

    // What FPM understood.
    os::Captured listen_to(Telling telling, const std::string& config) {
        for (;;) {
            auto answer = run_(telling.launch);
            auto next = ask_again(call_, config, telling, answer);
            if (!next) {
                told_ = understand(std::move(telling), answer);
                return answer;
            }
            telling = *std::move(next);
        }
    }

    // A check in the user's own name creates the error_log as the user that sluice is, and behind a
    // script that drops root's rights FPM could not open it any more. So it is for a refusal, which
    // is better said of the user's files, and for where the file is not named.
    os::Captured check() {
        const auto named = service().arguments.config.value_or("");
        const bool readable = !named.empty() && ::access(named.c_str(), R_OK) == 0;
        if (readable) {
            const auto file = std::filesystem::absolute(named).string();
            if (auto telling = have_fpm_tell(call_, file)) {
                auto told = listen_to(*std::move(telling), file);
                if (told.end != End::exited || told.wait_status == 0) return told;
            }
        }
        return run_(fpm_launch(call_, fpm::check(service().arguments, named)));
    }

    // FPM's own check. Finds out which file it reads, and what it understands of it.
    void ask() {
        const auto checked = check();
        switch (checked.end) {
        case End::asked_to_stop: result_.stopped = true; return;
        case End::not_started:
            disagree(os::exit_code_of_failure(checked.failure),
                     os::describe_failure(checked.failure, service().program));
            break;
        case End::too_slow:
            // Without its sockets, for the whole life of the container, a stop would lose what
            // waits in them, and reload.release would mean nothing.
            disagree(core::exit_own_error,
                     service().program + " -tt did not end within " + core::in_words(check_limit) +
                         ": look whether the machine is overloaded, or what php.ini or the "
                         "configuration has it wait for, such as a name to be resolved");
            break;
        case End::exited:
            if (checked.wait_status == 0) break;
            if (core::exit_code(checked.wait_status) == fpm::usage_error) {
                disagree(fpm::usage_error, service().program +
                                               " does not know one of its options; sluice's own go "
                                               "before the command");
                break;
            }
            const auto complaints = fpm::complaints_in(checked.output);
            disagree(core::exit_code(checked.wait_status),
                     service().program + " -t " + core::describe_end(checked.wait_status) + ": " +
                         complaints + fpm::cure_for(complaints));
            break;
        }
        call_.config = config_file(checked.output);
        if (checked_ && result_.problems.empty()) discover();
    }

    void discover() {
        if (told_ || !call_.config) return;
        auto telling = have_fpm_tell(call_, *call_.config);
        if (!telling) return;
        const auto answer = listen_to(*std::move(telling), *call_.config);
        if (answer.end == End::asked_to_stop) result_.stopped = true;
    }

    void disagree(int exit_code, const std::string& what) {
        checked_ = false;
        if (service().scripted) {
            // The script may well write the configuration, or set the PATH, that is missing now.
            result_.check_failed = exit_code;
            notice(what + "; going on, since " + service().wrapper.front() + " may mend it");
        } else {
            refuse(exit_code, what);
        }
    }

    std::optional<std::string> config_file(const std::string& output) {
        auto file = service().arguments.config;
        if (!file) file = fpm::config_path_in(output);
        if (!file) {
            const auto usual = fpm::usual_config_paths(service().program);
            const auto found = std::ranges::find_if(
                usual, [](const auto& path) { return ::access(path.c_str(), R_OK) == 0; });
            if (found != usual.end()) file = *found;
        }
        if (!file) {
            if (!result_.problems.empty()) return {}; // nothing will be started
            notice("which file " + service().program +
                   " reads cannot be told (its log_level is above notice): its own "
                   "process_control_timeout is in force, and without one it cuts requests at a "
                   "stop; name the file with -y");
            return {};
        }
        if (!checked_ && service().scripted && !file->starts_with('/')) {
            notice(*file +
                   " is not there yet, and relative to a folder that the script may change: "
                   "process_control_timeout is FPM's own; give -y the whole path");
            call_.config_as_given = *file;
            return {};
        }
        // FPM takes a relative include from its prefix, but -y from where it is started.
        return std::filesystem::absolute(*file).string();
    }

    Prepared& result_;
    const RunCheck& run_;
    FpmCall call_;
    bool checked_ = true; // FPM found nothing wrong
    std::optional<Told> told_;
};

} // namespace

void prepare_fpm(Prepared& result, fpm::Service service,
                 const std::vector<std::string>& environment, const std::string& search_path,
                 const std::optional<std::string>& release, Purpose purpose, const RunCheck& run) {
    result.first.plan.name = std::filesystem::path(service.program).filename();
    Preparation(result, std::move(service), environment, search_path, run)
        .prepare(release, purpose);
}

void prepare_unseen_fpm(Prepared& result, const std::vector<std::string>& command,
                        const std::vector<std::string>& environment, const std::string& search_path,
                        Purpose purpose, const RunCheck& run) {
    auto& plan = result.first.plan;
    plan.notices.push_back(
        "service.kind says php-fpm, but there is none in the command: FPM's own "
        "process_control_timeout is in force, and without one it cuts requests at a stop; write "
        "php-fpm into the command, or set it to " +
        std::to_string(fpm::control_timeout(plan.stop.deadline).count()) + "s");
    const auto place = std::ranges::find_if(command, fpm::is_fpm);
    fpm::Service service{.program = place == command.end() ? "php-fpm" : *place};
    if (place != command.end()) {
        service.arguments = fpm::parse_arguments({place + 1, command.end()});
    }
    Preparation(result, std::move(service), environment, search_path, run).prepare_unseen(purpose);
}

} // namespace sluice
