#include "init/find_sluice.h"

#include <algorithm>
#include <cerrno>

#include "config/load.h"
#include "init/control/address.h"
#include "init/options.h"
#include "init/os/text_file.h"

namespace sluice {

namespace {

// PID 1's --config, where it is sluice and was given one. A relative one is taken as ours: in
// `docker exec` the folder is the one that PID 1 was started in.
std::optional<std::string> config_of_first_process() {
    const auto arguments = control::arguments_in(os::text_of("/proc/1/cmdline"));
    if (!control::is_sluice(arguments, ::program_invocation_name)) return {};
    std::vector<const char*> argv;
    argv.reserve(arguments.size());
    for (const auto& argument : arguments) argv.push_back(argument.c_str());
    return parse_command_line(static_cast<int>(argv.size()), argv.data()).config;
}

} // namespace

control::Places find_sluice(const std::optional<std::string>& socket,
                            const std::vector<std::string>& environment) {
    auto wanted = control::asked_for(socket, environment);
    config::Problems problems;
    if (!wanted) {
        const auto file = config::find_file(config_of_first_process(), environment, problems);
        if (file) wanted = config::load(file, environment).settings.control.socket;
    }
    std::optional<ino_t> space;
    std::vector<std::string> listening;
    if (!wanted || wanted == "@") {
        space = control::pid_namespace();
        if (space) listening = control::abstract_names(os::text_of("/proc/net/unix"), *space);
    }
    auto places = control::places(wanted, space, listening);
    if (places.problem.empty() && !problems.empty()) {
        places.problem = config::to_text(problems.front());
    }
    return places;
}

} // namespace sluice
