#include "init/prepare_nginx.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <string_view>

#include "init/core/words.h"
#include "init/nginx/listens.h"
#include "init/nginx/sockets.h"
#include "init/os/program.h"
#include "init/os/text_file.h"

namespace sluice {

namespace {

namespace fs = std::filesystem;

constexpr const char* lost = ": its sockets are left to it, and what waits in their accept queues "
                             "at a stop is lost";

std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        names.push_back(at->path().filename());
    }
    return names;
}

// The official image's script runs what lies in /docker-entrypoint.d. It comes with these, of which
// one writes configuration from templates, and one adds a listen (see adds_ipv6).
std::string why_entrypoint_writes(const std::vector<std::string>& environment) {
    constexpr std::array<std::string_view, 4> harmless{
        "10-listen-on-ipv6-by-default.sh", "15-local-resolvers.envsh",
        "20-envsubst-on-templates.sh", "30-tune-worker-processes.sh"};
    for (const auto& name : names_in("/docker-entrypoint.d")) {
        if (std::ranges::find(harmless, name) == harmless.end()) {
            return "/docker-entrypoint.d/" + name + " may write nginx's configuration";
        }
    }
    auto templates = os::variable(environment, "NGINX_ENVSUBST_TEMPLATE_DIR");
    if (templates.empty()) templates = "/etc/nginx/templates";
    if (names_in(templates).empty()) return {};
    return "nginx's configuration is made from " + templates + " after sluice has read it";
}

// What 10-listen-on-ipv6-by-default.sh looks for.
bool adds_ipv6() {
    const std::string file = "/etc/nginx/conf.d/default.conf";
    return fs::exists("/docker-entrypoint.d/10-listen-on-ipv6-by-default.sh") &&
           fs::exists("/proc/net/if_inet6") && ::access(file.c_str(), W_OK) == 0 &&
           os::text_of(file).find("listen  [::]:80;") == std::string::npos;
}

class Preparation {
  public:
    Preparation(Prepared& result, const nginx::Service& service,
                const std::vector<std::string>& environment)
        : result_(result), service_(service), environment_(environment) {}

    void prepare(const std::string& search_path, const RunCheck& run) {
        os::Launch launch{.path = os::find_program(service_.program, search_path).path,
                          .command = {service_.program},
                          .environment = environment_};
        for (auto& word : nginx::check(service_)) launch.command.push_back(std::move(word));
        std::erase_if(launch.environment,
                      [](const auto& entry) { return entry.starts_with("NGINX="); });
        judge(run(std::move(launch)));
        if (!result_.problems.empty() || result_.stopped) return;
        if (why_left_.empty()) why_left_ = why_a_script_may_write();
        if (why_left_.empty()) {
            own_sockets();
        } else {
            notice(why_left_ + lost);
        }
        if (!result_.first.plan.stop.owns_listeners && !foreground_) {
            notice("nginx goes to the background unless it is told otherwise, and sluice would "
                   "take that for its end: write \"daemon off;\" into nginx.conf, or give nginx -g "
                   "\"daemon off;\"");
        }
    }

  private:
    void notice(std::string text) { result_.first.plan.notices.push_back(std::move(text)); }

    void judge(const os::Captured& checked) {
        switch (checked.end) {
        case os::Captured::End::asked_to_stop: result_.stopped = true; return;
        case os::Captured::End::not_started:
            disagree(os::exit_code_of_failure(checked.failure),
                     os::describe_failure(checked.failure, service_.program));
            return;
        case os::Captured::End::too_slow:
            why_left_ = service_.program + " -T did not end within " + core::in_words(check_limit);
            return;
        case os::Captured::End::exited: break;
        }
        if (checked.wait_status != 0) {
            disagree(core::exit_code(checked.wait_status),
                     service_.program + " -T " + core::describe_end(checked.wait_status) + ": " +
                         nginx::complaints_in(checked.output));
            return;
        }
        configuration_ = nginx::read_configuration(checked.output, service_.directives);
        foreground_ = !configuration_ || configuration_->foreground;
        if (!configuration_) why_left_ = "what nginx -T printed cannot be made out";
    }

    void disagree(int exit_code, const std::string& what) {
        if (service_.wrapper.empty()) {
            result_.exit_code = exit_code;
            result_.problems.push_back(what);
            return;
        }
        // The script may well write the configuration that is missing now.
        result_.check_failed = exit_code;
        notice(what + "; going on, since " + service_.wrapper.front() + " may mend it");
        why_left_ = "nginx's configuration is not known";
        foreground_ = true; // it may be
    }

    // A socket that nginx turns out not to serve would leave its clients waiting for ever.
    std::string why_a_script_may_write() const {
        if (service_.wrapper.empty()) return {};
        if (service_.by_docker_entrypoint) return why_entrypoint_writes(environment_);
        return service_.wrapper.front() + " may write nginx's configuration";
    }

    void own_sockets() {
        auto planned = nginx::plan_sockets(
            *configuration_, {.hosts = os::text_of("/etc/hosts"), .root = ::getuid() == 0});
        if (service_.by_docker_entrypoint && adds_ipv6()) {
            planned.all = false;
            planned.notices.emplace_back(
                "docker-entrypoint.sh adds \"listen  [::]:80;\" to default.conf, which is left to "
                "nginx: what waits in its accept queue at a stop is lost; write it there yourself");
        }
        for (auto& text : planned.notices) notice(std::move(text));
        auto& plan = result_.first.plan;
        plan.stop.owns_listeners = !planned.listeners.empty();
        plan.stop.owns_all_listeners = planned.all;
        for (const auto& wanted : planned.listeners) {
            plan.listeners.push_back(to_string(wanted.endpoint) + ", backlog " +
                                     std::to_string(wanted.backlog) +
                                     (wanted.v6only == false ? ", IPv4 as well" : ""));
        }
        for (auto& wanted : planned.listeners) {
            result_.first.wishes.push_back({.of = "nginx", .key = {}, .wanted = std::move(wanted)});
        }
    }

    Prepared& result_;
    const nginx::Service& service_;
    const std::vector<std::string>& environment_;
    std::optional<nginx::Configuration> configuration_;
    bool foreground_ = false;
    std::string why_left_; // the sockets, to nginx
};

} // namespace

void prepare_nginx(Prepared& result, const nginx::Service& service,
                   const std::vector<std::string>& environment, const std::string& search_path,
                   const RunCheck& run) {
    Preparation(result, service, environment).prepare(search_path, run);
}

} // namespace sluice
