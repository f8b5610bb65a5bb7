#include "init/core/program_place.h"

#include <algorithm>

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

} // namespace sluice::core
