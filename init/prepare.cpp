#include "init/prepare.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "init/core/program_place.h"
#include "init/fpm/recognise.h"
#include "init/nginx/recognise.h"
#include "init/os/capture.h"
#include "init/os/program.h"
#include "init/prepare_fpm.h"
#include "init/prepare_nginx.h"
#include "signals/meaning.h"
#include "signals/names.h"

namespace sluice {

namespace {

class Preparation {
  public:
    Preparation(boost::asio::io_context& loop, signals::Inbox& inbox,
                const config::Settings& settings, const core::Options& options,
                const std::vector<std::string>& environment, Purpose purpose)
        : purpose_(purpose),
          loop_(loop),
          inbox_(inbox),
          settings_(settings),
          options_(options),
          environment_(environment),
          search_path_(os::variable(environment, "PATH")) {}

    Prepared prepare() {
        const auto& command =
            options_.command.empty() ? settings_.service.command : options_.command;
        if (command.empty()) {
            refuse(core::exit_own_error,
                   "no command to run: write it after sluice's options (sluice php-fpm), or as "
                   "service.command in the configuration");
            return std::move(result_);
        }
        const auto service =
            may_be(config::Kind::php_fpm) ? fpm::recognise(command, image()) : std::nullopt;
        const auto web_server = may_be(config::Kind::nginx)
                                    ? nginx::recognise(command, image().is_script)
                                    : std::nullopt;
        const auto recognised = service      ? config::Kind::php_fpm
                                : web_server ? config::Kind::nginx
                                             : config::Kind::plain;
        const auto kind = settings_.service.kind.value_or(recognised);
        result_.first.plan = core::make_plan(kind, command, settings_, options_);
        refuse_reloads_without_a_way();
        if (kind != config::Kind::plain) tell_of_lost_drains();
        if (service) {
            complete(*service);
        } else if (web_server) {
            complete(*web_server);
        } else if (kind == config::Kind::nginx) {
            notice("service.kind says nginx, but there is none in the place of the program: its "
                   "sockets are left to it, and what waits in their accept queues at a stop is "
                   "lost; write nginx into the command");
        } else if (kind == config::Kind::php_fpm) {
            prepare_unseen_fpm(result_, command, environment_, search_path_, purpose_,
                               [this](const os::Launch& launch) { return run(launch); });
        } else if (auto warning = core::shell_form_warning(command); !warning.empty()) {
            notice(std::move(warning));
        }
        set_launch();
        bind();
        return std::move(result_);
    }

  private:
    core::Plan& plan() { return result_.first.plan; }

    bool may_be(config::Kind kind) const { return settings_.service.kind.value_or(kind) == kind; }

    void notice(std::string text) { plan().notices.push_back(std::move(text)); }

    void refuse(int exit_code, std::string why) {
        if (result_.exit_code == 0) result_.exit_code = exit_code;
        result_.problems.push_back(std::move(why));
    }

    // Of a kind that was recognised; config/check has seen to one that was written.
    void refuse_reloads_without_a_way() {
        if (plan().reload_signal) return;
        for (const auto& [signal, rule] : plan().signals) {
            if (rule.meaning != signals::Meaning::reload) continue;
            refuse(core::exit_own_error,
                   "signals." + signals::name_of(signal) +
                       ": \"reload\" is for php-fpm and nginx, and " + plan().name +
                       " is neither; write \"forward\", or \"forward NAME\" with the "
                       "signal that it reloads on");
        }
    }

    // Who comes from another init writes --signal TERM:QUIT, and would lose the drain by it.
    void tell_of_lost_drains() {
        for (const int signal : {SIGTERM, SIGINT, SIGQUIT}) {
            const auto rule = signals::meaning_of(signal, plan().signals);
            if (rule.meaning != signals::Meaning::forward) continue;
            auto text = "signal " + signals::name_of(signal);
            text += " is passed on and does not drain: there is no deadline, and what is cut is "
                    "not counted; the service gets QUIT at a drain anyway, so remove the rule for "
                    "it";
            notice(std::move(text));
        }
    }

    fpm::Image image() const {
        return {.is_script =
                    [this](const std::string& program) {
                        const auto found = os::find_program(program, search_path_);
                        return found.error == 0 && os::is_script(found.path);
                    },
                .has =
                    [this](const std::string& program) {
                        return os::find_program(program, search_path_).error == 0;
                    }};
    }

    void set_launch() {
        // What is wrong with it is said when it is started: the message and the exit status are
        // the same as for a program that vanished between two runs.
        result_.missing_program = os::find_program(plan().command.front(), search_path_).error;
        if (!result_.fpm) result_.first.launch = launch_of(plan(), environment_, search_path_);
    }

    os::Captured run(const os::Launch& launch) {
        return os::capture(loop_, inbox_, plan().signals, launch, check_limit);
    }

    void complete(const nginx::Service& service) {
        plan().name = std::filesystem::path(service.program).filename();
        prepare_nginx(result_, service, environment_, search_path_,
                      [this](const os::Launch& launch) { return run(launch); });
    }

    void complete(fpm::Service service) {
        prepare_fpm(result_, std::move(service), environment_, search_path_,
                    settings_.reload.release, purpose_,
                    [this](const os::Launch& launch) { return run(launch); });
        // A script may write other pools; a reload looks again.
        if (!result_.problems.empty() || result_.stopped || result_.fpm->service.scripted) return;
        if (auto why = wrong_pool_of_warmup(settings_, result_.first)) {
            refuse(core::exit_own_error, *std::move(why));
        }
    }

    // All at once: with one of them missing nothing is started.
    void bind() {
        if (purpose_ == Purpose::check || !result_.problems.empty() || result_.stopped) return;
        for (auto& problem : result_.intake.open(result_.first.wishes)) {
            refuse(core::exit_own_error, std::move(problem));
        }
    }

    Purpose purpose_;
    boost::asio::io_context& loop_;
    signals::Inbox& inbox_;
    const config::Settings& settings_;
    const core::Options& options_;
    const std::vector<std::string>& environment_;
    std::string search_path_;
    Prepared result_;
};

} // namespace

Prepared prepare(boost::asio::io_context& loop, signals::Inbox& inbox,
                 const config::Settings& settings, const core::Options& options,
                 const std::vector<std::string>& environment, Purpose purpose) {
    return Preparation(loop, inbox, settings, options, environment, purpose).prepare();
}

} // namespace sluice
