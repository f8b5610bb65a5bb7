#include "config/problem.h"

#include <algorithm>

namespace sluice::config {

std::string to_text(const Problem& problem) {
    std::string text;
    for (const auto* part : {&problem.where, &problem.key, &problem.message}) {
        if (part->empty()) continue;
        if (!text.empty()) text += ": ";
        text += *part;
    }
    return text;
}

bool any_error(const Problems& problems) {
    return std::ranges::any_of(problems, [](const Problem& problem) { return !problem.warning; });
}

} // namespace sluice::config
