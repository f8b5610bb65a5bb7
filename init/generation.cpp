#include "init/generation.h"

#include <utility>

#include "init/os/program.h"

namespace sluice {

namespace {

// FPM reads so many from one variable, the next ones from FPM_SOCKETS_1 and so on (fpm_sockets.c).
constexpr std::size_t most_in_variable = 128;

using Sockets = std::vector<std::pair<std::string, int>>;

// nginx asks each for its address (getsockname), and closes those that it does not know.
std::string for_nginx(const Sockets& sockets) {
    std::string variable = "NGINX=";
    for (const auto& [key, descriptor] : sockets) {
        variable += std::to_string(descriptor);
        variable += ';';
    }
    return variable;
}

std::vector<std::string> for_fpm(const Sockets& sockets) {
    std::vector<std::string> variables;
    for (std::size_t at = 0; at < sockets.size(); ++at) {
        const auto number = at / most_in_variable;
        if (at % most_in_variable == 0) {
            variables.push_back("FPM_SOCKETS" + (number == 0 ? "" : "_" + std::to_string(number)) +
                                "=");
        } else {
            variables.back() += ",";
        }
        variables.back() += sockets[at].first + "=" + std::to_string(sockets[at].second);
    }
    return variables;
}

} // namespace

os::Launch launch_of(const core::Plan& plan, std::vector<std::string> environment,
                     const std::string& search_path) {
    std::erase_if(environment, [&](const auto& entry) {
        return entry.starts_with("FPM_SOCKETS") ||
               (plan.kind == config::Kind::nginx && entry.starts_with("NGINX="));
    });
    return {.path = os::find_program(plan.command.front(), search_path).path,
            .command = plan.command,
            .environment = std::move(environment)};
}

os::Launch handing_over(os::Launch launch, config::Kind kind, const Sockets& sockets) {
    if (sockets.empty()) return launch;
    for (const auto& [key, descriptor] : sockets) launch.keep.push_back(descriptor);
    if (kind == config::Kind::nginx) {
        launch.environment.push_back(for_nginx(sockets));
    } else {
        for (auto& variable : for_fpm(sockets)) launch.environment.push_back(std::move(variable));
    }
    return launch;
}

} // namespace sluice
