#include "init/control/find.h"

#include <algorithm>

#include "config/environment.h"
#include "config/quote.h"
#include "init/control/address.h"
#include "init/core/lines.h"

namespace sluice::control {

namespace {

std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1); // npos + 1 is 0
}

// "0000000000000000: 00000002 00000000 00010000 0001 01 25371 @sluice-4026531836". Nothing for what
// is no listening socket with a name.
std::string_view listening_name(std::string_view line) {
    constexpr std::string_view accepts = "00010000"; // __SO_ACCEPTCON
    for (int column = 0; column < 7; ++column) {
        const auto end = std::min(line.find(' '), line.size());
        if (column == 3 && line.substr(0, end) != accepts) return {};
        line.remove_prefix(end);
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    }
    return line;
}

// Of the sluices with abstract names: PID 1, else the only one.
Places choose(const std::optional<ino_t>& pid_namespace,
              const std::vector<std::string>& listening) {
    if (!pid_namespace) {
        return {.problem = "the control socket has an abstract name, which cannot be told without "
                           "/proc; mount it, or name the socket with --socket"};
    }
    const auto first = abstract_name(*pid_namespace, 1);
    if (listening.size() < 2 || listening.front() == first) {
        return {.addresses = {listening.empty() ? first : listening.front()}};
    }
    std::string names;
    for (const auto& name : listening) names += (names.empty() ? "" : ", ") + name;
    return {.problem = "several sluices run here, and none of them is PID 1; choose one with "
                       "--socket: " +
                       names};
}

} // namespace

std::optional<std::string> asked_for(const std::optional<std::string>& option,
                                     const std::vector<std::string>& environment) {
    if (option && !option->empty()) return option;
    auto variable = config::value_of("SLUICE_CONTROL_SOCKET", environment);
    return variable.empty() ? std::nullopt : std::optional(std::move(variable));
}

std::vector<std::string> arguments_in(std::string_view cmdline) {
    std::vector<std::string> arguments;
    while (!cmdline.empty()) {
        const auto end = std::min(cmdline.find('\0'), cmdline.size());
        arguments.emplace_back(cmdline.substr(0, end));
        cmdline.remove_prefix(std::min(end + 1, cmdline.size()));
    }
    return arguments;
}

bool is_sluice(const std::vector<std::string>& arguments, std::string_view own_name) {
    if (arguments.empty()) return false;
    const auto name = file_name(arguments.front());
    return name == "sluice" || (!name.empty() && name == file_name(own_name));
}

std::vector<std::string> abstract_names(std::string_view proc_net_unix, ino_t pid_namespace) {
    const auto first = abstract_name(pid_namespace, 1);
    std::vector<std::string> names;
    while (!proc_net_unix.empty()) {
        const auto name = listening_name(core::take_line(proc_net_unix));
        if (!name.starts_with(first)) continue;
        const auto pid = name.substr(first.size());
        const bool number = pid.size() > 1 && pid.front() == '-' &&
                            pid.find_first_not_of("0123456789", 1) == std::string_view::npos;
        if (pid.empty() || number) names.emplace_back(name);
    }
    std::ranges::sort(names);
    return names;
}

Places places(const std::optional<std::string>& wanted, const std::optional<ino_t>& pid_namespace,
              const std::vector<std::string>& listening) {
    if (wanted == "off") {
        return {.problem = "the running sluice has no control socket (control.socket is \"off\"); "
                           "configure one and start the container anew, or use signals"};
    }
    if (wanted == "@") return choose(pid_namespace, listening);
    if (wanted) {
        if (unix_address(*wanted)) return {.addresses = {*wanted}};
        return {.problem = config::quoted(*wanted) +
                           " is no control socket's address: give an absolute path of at most 107 "
                           "bytes, \"@\" or an abstract name that begins with \"@\""};
    }
    auto found = choose(pid_namespace, listening);
    if (!pid_namespace) found.problem.clear(); // the path is then all that was possible
    found.addresses.insert(found.addresses.begin(), usual_path);
    return found;
}

} // namespace sluice::control
