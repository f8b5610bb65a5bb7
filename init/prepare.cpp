#include "init/prepare.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>

#include "init/core/program_place.h"
#include "init/fpm/config_check.h"
#include "init/fpm/effective_config.h"
#include "init/fpm/pool_sockets.h"
#include "init/fpm/recognise.h"
#include "init/fpm/wrapper.h"
#include "init/net/features.h"
#include "init/nginx/recognise.h"
#include "init/os/accounts.h"
#include "init/os/capture.h"
#include "init/os/descriptors.h"
#include "init/os/program.h"
#include "init/os/random.h"
#include "init/os/text_file.h"
#include "init/prepare_nginx.h"
#include "signals/meaning.h"
#include "signals/names.h"

namespace sluice {

namespace {

using namespace std::chrono_literals;

// An FPM that takes longer than this to read its configuration (20 to 40 ms as a rule) waits for
// something, and is not going to be up in time either.
constexpr auto check_limit = 10s;

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
        result_.plan = core::make_plan(kind, command, settings_, options_);
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
            notice("service.kind says php-fpm, but there is none in the command: FPM's own "
                   "process_control_timeout is in force, and without one it cuts requests at a "
                   "stop; write php-fpm into the command, or set it to " +
                   std::to_string(fpm::control_timeout(plan().stop.deadline).count()) + "s");
            discover_unseen(command);
        } else if (auto warning = core::shell_form_warning(command); !warning.empty()) {
            notice(std::move(warning));
        }
        set_launch();
        return std::move(result_);
    }

  private:
    core::Plan& plan() { return result_.plan; }

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
        const auto program = os::find_program(plan().command.front(), search_path_);
        // What is wrong with it is said when it is started: the message and the exit status are
        // the same as for a program that vanished between two runs.
        result_.missing_program = program.error;
        result_.launch.path = program.path;
        result_.launch.command = plan().command;
        auto& environment = result_.launch.environment;
        environment = environment_;
        std::erase_if(environment, [this](const auto& entry) {
            return entry.starts_with("FPM_SOCKETS") ||
                   (plan().kind == config::Kind::nginx && entry.starts_with("NGINX="));
        });
    }

    // --- nginx --------------------------------------------------------------------------------

    void complete(const nginx::Service& service) {
        plan().name = std::filesystem::path(service.program).filename();
        prepare_nginx(
            result_, service, environment_, purpose_, [this](std::vector<std::string> command) {
                os::Launch launch{.path = os::find_program(command.front(), search_path_).path,
                                  .environment = environment_};
                launch.command = std::move(command);
                std::erase_if(launch.environment,
                              [](const auto& entry) { return entry.starts_with("NGINX="); });
                return os::capture(loop_, inbox_, plan().signals, launch, check_limit);
            });
    }

    // --- php-fpm ------------------------------------------------------------------------------

    void complete(const fpm::Service& service) {
        plan().name = std::filesystem::path(service.program).filename();
        const auto config = ask_fpm(service);
        if (!result_.problems.empty() || result_.stopped) return;
        if (!effective_) {
            notice("what " + service.program +
                   " listens on is not known, so its sockets stay its own: what waits in the "
                   "accept queue at a stop is lost");
        }
        const auto wrapper = config ? wrap(*config) : relative_;
        if (!config) own_sockets(nullptr);
        plan().command = service.wrapper;
        if (!service.implied) plan().command.push_back(service.program);
        const auto words = fpm::foreground(service.arguments, wrapper);
        plan().command.insert(plan().command.end(), words.begin(), words.end());
    }

    os::Captured run_fpm(const fpm::Service& service, const std::vector<std::string>& words,
                         std::vector<int> keep) {
        os::Launch launch{.path = os::find_program(service.program, search_path_).path,
                          .command = {service.program},
                          .environment = environment_,
                          .keep = std::move(keep)};
        launch.command.insert(launch.command.end(), words.begin(), words.end());
        return os::capture(loop_, inbox_, plan().signals, launch, check_limit);
    }

    // What FPM understood. Through a config of ours: with a log_level above notice it would say
    // nothing, and it writes all that it says into the user's error_log as well, with env[] and its
    // secrets.
    os::Captured have_fpm_tell(const fpm::Service& service, const std::string& config) {
        const auto file = os::file_in_memory("sluice-check.conf", config);
        const auto words = fpm::tell(service.arguments, os::path_of(file));
        auto told = run_fpm(service, words, {file.get()});
        if (told.end == os::Captured::End::exited && told.wait_status == 0) {
            effective_ = fpm::parse_effective_config(told.output);
        }
        return told;
    }

    // A check in the user's own name creates the error_log as the user that sluice is, and behind a
    // script that drops root's rights FPM could not open it any more. So it is for a refusal, which
    // is better said of the user's files, and for where the file is not named.
    os::Captured run_check(const fpm::Service& service) {
        const auto named = service.arguments.config.value_or("");
        const bool readable = !named.empty() && ::access(named.c_str(), R_OK) == 0;
        if (readable) {
            const auto text = fpm::talkative_config(std::filesystem::absolute(named).string());
            if (text) {
                auto told = have_fpm_tell(service, *text);
                if (told.end != os::Captured::End::exited || told.wait_status == 0) return told;
            }
        }
        return run_fpm(service, fpm::check(service.arguments, named), {});
    }

    // FPM's own check. Gives the file that FPM reads; nothing where it cannot be known.
    std::optional<std::string> ask_fpm(const fpm::Service& service) {
        const auto checked = run_check(service);
        switch (checked.end) {
        case os::Captured::End::asked_to_stop: result_.stopped = true; return {};
        case os::Captured::End::not_started:
            disagree(service, os::exit_code_of_failure(checked.failure),
                     os::describe_failure(checked.failure, service.program));
            break;
        case os::Captured::End::too_slow:
            notice(service.program +
                   " -tt did not end within 10 s: its configuration is unchecked");
            break;
        case os::Captured::End::exited:
            if (checked.wait_status == 0) break;
            if (core::exit_code(checked.wait_status) == fpm::usage_error) {
                disagree(service, fpm::usage_error,
                         service.program + " does not know one of its options; sluice's own go "
                                           "before the command");
                break;
            }
            disagree(service, core::exit_code(checked.wait_status),
                     service.program + " -t " + core::describe_end(checked.wait_status) + ": " +
                         fpm::complaints_in(checked.output));
            break;
        }
        auto config = config_file(service, checked.output);
        if (checked_ && result_.problems.empty()) discover(service, config);
        return config;
    }

    void discover(const fpm::Service& service, const std::optional<std::string>& config) {
        if (effective_ || !config) return;
        const auto text = fpm::talkative_config(*config);
        if (!text) return;
        const auto told = have_fpm_tell(service, *text);
        if (told.end == os::Captured::End::asked_to_stop) result_.stopped = true;
    }

    void disagree(const fpm::Service& service, int exit_code, const std::string& what) {
        checked_ = false;
        if (service.scripted) {
            // The script may well write the configuration, or set the PATH, that is missing now.
            result_.check_failed = exit_code;
            notice(what + "; going on, since " + service.wrapper.front() + " may mend it");
        } else {
            refuse(exit_code, what);
        }
    }

    std::optional<std::string> config_file(const fpm::Service& service, const std::string& output) {
        auto file = service.arguments.config;
        if (!file) file = fpm::config_path_in(output);
        if (!file) {
            const auto usual = fpm::usual_config_paths(service.program);
            const auto found = std::ranges::find_if(
                usual, [](const auto& path) { return ::access(path.c_str(), R_OK) == 0; });
            if (found != usual.end()) file = *found;
        }
        if (!file) {
            notice("which file " + service.program +
                   " reads cannot be told (its log_level is above notice): its own "
                   "process_control_timeout is in force, and without one it cuts requests at a "
                   "stop; name the file with -y");
            return {};
        }
        if (!checked_ && service.scripted && !file->starts_with('/')) {
            notice(*file +
                   " is not there yet, and relative to a folder that the script may change: "
                   "process_control_timeout is FPM's own; give -y the whole path");
            relative_ = *file;
            return {};
        }
        // FPM takes a relative include from its prefix, but -y from where it is started.
        return std::filesystem::absolute(*file).string();
    }

    // FPM is somewhere behind another program, which may change much: what it would listen on is
    // asked as if it were started here, and only its sockets are passed on.
    void discover_unseen(const std::vector<std::string>& command) {
        const auto place = std::ranges::find_if(command, fpm::is_fpm);
        fpm::Service service{.program = place == command.end() ? "php-fpm" : *place};
        if (place != command.end())
            service.arguments = fpm::parse_arguments({place + 1, command.end()});
        const auto checked = run_check(service);
        if (checked.end == os::Captured::End::asked_to_stop) result_.stopped = true;
        if (checked.end != os::Captured::End::exited || checked.wait_status != 0) return;
        discover(service, config_file(service, checked.output));
        own_sockets(nullptr);
    }

    // Gives the path to read the wrapper config from; empty where there cannot be one.
    std::string wrap(const std::string& config) {
        const auto timeout = fpm::control_timeout(plan().stop.deadline);
        if (!fpm::wrapper_config(config, timeout, {})) {
            notice(config + " cannot be included by another file, because of a character in its "
                            "path: process_control_timeout is FPM's own; rename the file");
            own_sockets(nullptr);
            return config;
        }
        fpm::Overrides overrides;
        own_sockets(&overrides);
        plan().fpm_config = *fpm::wrapper_config(config, timeout, overrides);
        result_.fpm_config = os::file_in_memory("sluice-fpm.conf", plan().fpm_config);
        result_.launch.keep.push_back(result_.fpm_config.get());
        return os::path_of(result_.fpm_config);
    }

    // --- the sockets --------------------------------------------------------------------------

    // `overrides`: takes what the wrapper config has to set; null: there is none.
    void own_sockets(fpm::Overrides* overrides) {
        if (!effective_ || !result_.problems.empty()) return;
        auto planned = fpm::plan_sockets(*effective_, this_machine(), overrides != nullptr);
        for (auto& text : planned.notices) notice(std::move(text));
        auto& stop = plan().stop;
        stop.owns_listeners = !planned.listeners.empty();
        stop.owns_all_listeners = planned.all;
        for (const auto& socket : planned.listeners) {
            plan().listeners.push_back(
                "pool " + socket.pool + ": " + to_string(socket.wanted.endpoint) + ", backlog " +
                std::to_string(socket.wanted.backlog) + (socket.users ? "" : ", FPM's status"));
        }
        if (stop.owns_listeners) plan().features = net::describe(net::find_features());
        if (purpose_ == Purpose::run) open(planned);
        plan().answers = planned.status_of_all && !planned.status.empty();
        if (!plan().answers) {
            notice(
                "FPM cannot be asked for its status (PHP before 8.0, no wrapper config, no folder "
                "to write to, or a pm.status_listen that is not for sluice): requests in flight "
                "are told from the kernel's "
                "connections, and work after fastcgi_finish_request() is not seen");
        }
        if (overrides != nullptr) *overrides = std::move(planned.overrides);
    }

    void open(fpm::Sockets& planned) {
        result_.sockets = OpenSockets(planned);
        for (const auto& problem : result_.sockets.problems()) {
            refuse(core::exit_own_error, problem);
        }
        if (!result_.sockets.own_status()) {
            planned.status.clear();
            planned.overrides.process_max = 0;
            for (auto& change : planned.overrides.pools) {
                change.status_listen.clear();
                change.status_path.clear();
                change.ping_path.clear();
            }
        }
    }

    static fpm::Machine this_machine() {
        const net::TcpEndpoint any{.family = AF_INET6};
        net::TcpEndpoint loopback{.family = AF_INET6};
        loopback.host.back() = 1;
        return {.hosts = os::text_of("/etc/hosts"),
                .ipv6 = {.any = net::can_be_bound(any), .loopback = net::can_be_bound(loopback)},
                .user_id = os::user_id,
                .group_id = os::group_id,
                .token = os::random_token()};
    }

    Purpose purpose_;
    boost::asio::io_context& loop_;
    signals::Inbox& inbox_;
    const config::Settings& settings_;
    const core::Options& options_;
    const std::vector<std::string>& environment_;
    std::string search_path_;
    bool checked_ = true;  // FPM found nothing wrong
    std::string relative_; // -y as it was given, where it is better left alone
    std::optional<fpm::EffectiveConfig> effective_;
    Prepared result_;
};

} // namespace

Prepared prepare(boost::asio::io_context& loop, signals::Inbox& inbox,
                 const config::Settings& settings, const core::Options& options,
                 const std::vector<std::string>& environment, Purpose purpose) {
    return Preparation(loop, inbox, settings, options, environment, purpose).prepare();
}

} // namespace sluice
