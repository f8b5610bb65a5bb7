#include "init/core/program_place.h"

#include <algorithm>
#include <array>

namespace sluice::core {

std::optional<std::size_t>
place_of_program(const std::vector<std::string>& command,
                 const std::function<bool(const std::string& word)>& is_program,
                 const std::function<bool(const std::string& word)>& is_script) {
    std::size_t at = 0;
    while (at < command.size() && !is_program(command[at]) && is_script(command[at])) ++at;
    if (at < command.size() && is_program(command[at])) return at;
    if (at == 0) return {};
    const auto dashes = std::ranges::find(command, "--");
    if (dashes == command.end() || dashes + 1 == command.end()) return {};
    const auto after = static_cast<std::size_t>(dashes + 1 - command.begin());
    if (is_program(command[after])) return after;
    return {};
}

std::string shell_form_warning(const std::vector<std::string>& command) {
    constexpr std::array shells{"sh", "bash", "dash", "ash"};
    const auto begins_shell_form = [&](std::size_t at) {
        return command[at + 1] == "-c" &&
               std::ranges::find(shells, file_name(command[at])) != shells.end();
    };
    // Not only first: with `CMD php-fpm` it stands behind the entrypoint script of an image.
    std::size_t at = 0;
    while (at + 2 < command.size() && !begins_shell_form(at)) ++at;
    if (at + 2 >= command.size()) return {};
    for (const std::string program : {"php-fpm", "nginx"}) {
        if (command[at + 2].find(program) == std::string::npos) continue;
        std::string text = "the command is a shell's (" + command[at] + " -c ...), which hides ";
        text += program;
        text += " from sluice: a stop cuts its requests; in the Dockerfile write CMD [\"";
        text += program;
        text += "\"] instead of CMD ";
        text += program;
        return text;
    }
    return {};
}

} // namespace sluice::core
