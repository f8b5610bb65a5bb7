#include "init/fpm_generation.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "init/fpm/pool_sockets.h"
#include "init/fpm/warmup_request.h"
#include "init/fpm/wrapper.h"
#include "init/net/features.h"
#include "init/os/accounts.h"
#include "init/os/descriptors.h"
#include "init/os/folders.h"
#include "init/os/program.h"
#include "init/os/random.h"
#include "init/os/text_file.h"

namespace sluice {

namespace {

fpm::Machine this_machine() {
    const net::TcpEndpoint any{.family = AF_INET6};
    net::TcpEndpoint loopback{.family = AF_INET6};
    loopback.host.back() = 1;
    return {.hosts = os::text_of("/etc/hosts"),
            .ipv6 = {.any = net::can_be_bound(any), .loopback = net::can_be_bound(loopback)},
            .user_id = os::user_id,
            .group_id = os::group_id,
            .token = os::random_token()};
}

constexpr const char* config_name = "sluice-fpm.conf";

// Somebody may have it do so.
bool is_asked_to_reload_itself(const core::Plan& plan) {
    return plan.reload.low_memory == config::LowMemory::signal ||
           std::ranges::any_of(plan.signals, [](const auto& entry) {
               const auto& [signal, rule] = entry;
               const int becomes = rule.forward_as == 0 ? signal : rule.forward_as;
               return rule.meaning == signals::Meaning::forward && becomes == SIGUSR2;
           });
}

void leave_out_status(fpm::Overrides& overrides) {
    overrides.process_max = 0;
    for (auto& change : overrides.pools) {
        change.status_listen.clear();
        change.status_path.clear();
        change.ping_path.clear();
    }
}

class Making {
  public:
    Making(core::Plan base, fpm::Needs needs, Purpose purpose)
        : purpose_(purpose), needs_(std::move(needs)) {
        generation_.plan = std::move(base);
    }

    explicit Making(Generation generation, Purpose purpose)
        : purpose_(purpose), generation_(std::move(generation)) {}

    Generation make(const FpmCall& call, const std::optional<Told>& told) {
        const auto& service = call.service;
        const auto* const effective = told ? &told->config : nullptr;
        scripted_ = service.scripted;
        plan().name = std::filesystem::path(service.program).filename();
        if (!effective) {
            notice("what " + service.program +
                   " listens on is not known, so its sockets stay its own: what waits in the "
                   "accept queue at a stop is lost");
        }
        const auto wrapper = call.config ? wrap(*call.config, told) : call.config_as_given;
        if (!call.config && effective) own_sockets(*effective, nullptr);
        if (effective) generation_.pools = effective->pools;
        if (needs_.release && !may_reload_by_itself()) plan().release = needs_.release->folder;
        plan().command = service.wrapper;
        if (!service.implied) plan().command.push_back(service.program);
        const auto words = fpm::foreground(service.arguments, wrapper);
        plan().command.insert(plan().command.end(), words.begin(), words.end());
        generation_.launch = launch_of(plan(), call.environment, call.search_path);
        if (generation_.fpm_config) generation_.launch.keep = {generation_.fpm_config.get()};
        reload_as_far_as_possible(call);
        return std::move(generation_);
    }

    // `overrides`: takes what the wrapper config has to set; null: there is none.
    void own_sockets(const fpm::EffectiveConfig& effective, fpm::Overrides* overrides) {
        auto planned = fpm::plan_sockets(effective, this_machine(), overrides != nullptr, needs_);
        for (auto& text : planned.notices) notice(std::move(text));
        auto& stop = plan().stop;
        stop.owns_listeners = !planned.listeners.empty();
        stop.owns_all_listeners = planned.all;
        for (auto& ping : planned.pings) {
            const auto socket = std::ranges::find_if(planned.listeners, [&](const auto& one) {
                return one.users && one.pool == ping.pool;
            });
            generation_.pings.push_back({ping.pool, socket->key, ping.path, ping.response});
        }
        for (auto& socket : planned.listeners) {
            plan().listeners.push_back(
                "pool " + socket.pool + ": " + to_string(socket.wanted.endpoint) + ", backlog " +
                std::to_string(socket.wanted.backlog) + (socket.users ? "" : ", FPM's status"));
            generation_.wishes.push_back({.of = "pool " + socket.pool,
                                          .key = std::move(socket.key),
                                          .wanted = std::move(socket.wanted),
                                          .users = socket.users});
        }
        if (stop.owns_listeners) plan().features = net::describe(net::find_features());
        plan().answers = planned.status_of_all && !planned.status.empty();
        if (purpose_ == Purpose::run) open_status(planned);
        if (!plan().answers) {
            notice("FPM cannot be asked for its status (PHP before 8.0, no wrapper config, no "
                   "folder to write to, or a pm.status_listen that is not for sluice): requests in "
                   "flight are told from the kernel's connections, and work after "
                   "fastcgi_finish_request() is not seen");
        }
        if (overrides != nullptr) *overrides = std::move(planned.overrides);
    }

    Generation take() { return std::move(generation_); }

  private:
    core::Plan& plan() { return generation_.plan; }

    void notice(std::string text) { plan().notices.push_back(std::move(text)); }

    void open_status(fpm::Sockets& planned) {
        generation_.status = StatusSockets(planned.status);
        if (generation_.status.available()) return;
        plan().answers = false;
        leave_out_status(planned.overrides);
    }

    // Gives the path to read the wrapper config from.
    std::string wrap(const std::string& config, const std::optional<Told>& told) {
        const auto* const effective = told ? &told->config : nullptr;
        const auto timeout = fpm::control_timeout(longest_end());
        const auto include = fpm::include_of(config);
        if (!include) {
            notice(config + " cannot be included by another file, because of a character in its "
                            "path: process_control_timeout is FPM's own; rename the file");
            if (effective) own_sockets(*effective, nullptr);
            return config;
        }
        fpm::Overrides overrides;
        if (effective) own_sockets(*effective, &overrides);
        if (effective) take_pid_file(*effective, overrides);
        if (effective) generation_.user_pid_file = effective->pid;
        if (needs_.release && may_reload_by_itself()) leave_release_to_link(overrides);
        // For people to read; a snapshot has env[] and its secrets.
        plan().fpm_config = fpm::wrapper_config(*include, timeout, overrides);
        generation_.snapshot = told && takes_snapshot(config, *told);
        generation_.fpm_config =
            generation_.snapshot
                ? os::file_in_memory(config_name,
                                     fpm::wrapper_config(told->snapshot->text, timeout, overrides))
                : os::file_in_memory(config_name, plan().fpm_config, os::Readers::all);
        return os::path_of(generation_.fpm_config);
    }

    bool takes_snapshot(const std::string& config, const Told& told) {
        if (may_reload_by_itself()) return false;
        if (!told.snapshot) {
            if (!told.no_snapshot.empty()) {
                notice("there is no copy of " + config + " for each generation (" +
                       told.no_snapshot +
                       "): a PHP-FPM that is started again after a crash reads "
                       "it as it is then, proved or not");
            }
            return false;
        }
        // FPM does not warn of it any more.
        for (const auto& pattern : told.snapshot->unmatched) {
            auto text = "nothing matches " + pattern + ", which ";
            text += config;
            notice(text + " includes");
        }
        return true;
    }

    // It reads the wrapper config again then: what that has from the moment of its making would
    // stay for ever, a release's folder beyond the day on which it is removed.
    bool may_reload_by_itself() { return !switches() || is_asked_to_reload_itself(plan()); }

    void leave_release_to_link(fpm::Overrides& overrides) {
        if (switches()) {
            notice(
                "reload.release does not keep generations apart, since PHP-FPM may be asked to "
                "reload by itself (reload.low_memory = \"signal\", or a USR2 that is forwarded)");
        }
        for (auto& change : overrides.pools) {
            if (change.chdir.empty()) continue;
            change.chdir =
                needs_.release->link + change.chdir.substr(needs_.release->folder.size());
        }
    }

    // A second FPM beside the first one cannot bind what FPM binds itself.
    bool switches() {
        const auto& stop = plan().stop;
        return plan().reload.strategy != config::Strategy::signal && stop.owns_listeners &&
               stop.owns_all_listeners;
    }

    // FPM removes the file that it knows by name when it ends: of two generations the old one would
    // remove what the new one has written. So a next one writes its own, and sluice the user's.
    // (Behind a script that may change the user FPM could not write where sluice can.)
    void take_pid_file(const fpm::EffectiveConfig& effective, fpm::Overrides& overrides) {
        if (!needs_.way_in || scripted_ || effective.pid.empty()) return;
        generation_.folder = os::PrivateFolder::make();
        if (!generation_.folder) return;
        overrides.pid = generation_.folder->path() + "/pid";
        generation_.pid_file = effective.pid;
    }

    // Of a stop, or of the retirement after a reload.
    std::optional<config::Duration> longest_end() {
        const auto& deadline = plan().stop.deadline;
        if (!deadline || plan().reload.strategy == config::Strategy::signal) return deadline;
        return std::max(*deadline, plan().reload.retire);
    }

    void reload_as_far_as_possible(const FpmCall& call) {
        auto& reload = plan().reload;
        reload.checked = call.config.has_value();
        if (reload.strategy == config::Strategy::signal) return;
        if (switches() && !plan().fpm_config.empty()) {
            warn_of_unprotected_layout();
            return;
        }
        reload.strategy = config::Strategy::signal;
        notice("a reload is FPM's own (USR2), because not all of its sockets are sluice's: every "
               "new request waits for the slowest one in flight, and nothing proves the new code");
    }

    void warn_of_unprotected_layout() {
        if (needs_.release && needs_.release->folder == needs_.release->link) {
            notice("reload.release is no symlink, so that all generations see the same folder: "
                   "name the symlink that a deploy flips");
        }
        if (needs_.release) return;
        notice("reload.release is not set: at a reload the old generation can meet files of the "
               "new release before that is proved, and after a rollback it keeps meeting them; "
               "publish each release in a folder of its own, name the symlink that leads to it in "
               "reload.release, and have the web server pass paths relative to it");
    }

    Purpose purpose_;
    fpm::Needs needs_;
    bool scripted_ = false;
    Generation generation_;
};

} // namespace

Generation make_fpm_generation(core::Plan base, const FpmCall& call,
                               const std::optional<Told>& told, const fpm::Needs& needs,
                               Purpose purpose) {
    return Making(std::move(base), needs, purpose).make(call, told);
}

std::optional<std::string> wrong_pool_of_warmup(const config::Settings& settings,
                                                const Generation& generation) {
    if (generation.plan.reload.strategy != config::Strategy::switch_over) return {};
    std::vector<std::string> pools;
    for (const auto& pool : generation.pools) pools.push_back(pool.name);
    return fpm::wrong_pool(settings.reload.warmups, pools);
}

std::variant<std::optional<fpm::Release>, std::string>
resolve_release(const std::optional<std::string>& link) {
    if (!link) return std::nullopt;
    std::error_code error;
    const auto folder = std::filesystem::canonical(*link, error);
    if (!error && std::filesystem::is_directory(folder, error)) {
        return fpm::Release{.link = os::without_last_slash(*link), .folder = folder.string()};
    }
    return "reload.release: " + *link + " leads to no folder (" +
           (error ? error.message() : std::string("it is something else")) +
           "): make it a symlink to the release's folder";
}

void own_unseen_sockets(Generation& generation, const fpm::EffectiveConfig& effective,
                        Purpose purpose) {
    Making making(std::move(generation), purpose);
    making.own_sockets(effective, nullptr);
    generation = making.take();
}

} // namespace sluice
