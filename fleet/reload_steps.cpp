#include "fleet/reload_steps.h"

#include <algorithm>
#include <array>

#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

constexpr std::array<std::string_view, 7> steps{"delayed", "queued",  "preparing", "starting",
                                                "proving", "warming", "switching"};
constexpr std::size_t longest_outcome = 1'000;

// Of a step that is done its time comes first.
bool tells_time(std::string_view text) {
    return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

} // namespace

void ReloadSteps::out(std::string_view line) {
    const auto colon = std::min(line.find(": "), line.size());
    const auto word = line.substr(0, colon);
    if (word == "reload") {
        outcome_ = os::one_line(line.substr(0, longest_outcome));
        return;
    }
    if (word == "waiting") step_ = "waiting";
    const auto* const found = std::ranges::find(steps, word);
    if (found == steps.end()) return;
    const auto* const next = found + 1;
    const bool done = tells_time(line.substr(std::min(colon + 2, line.size())));
    step_ = done && next != steps.end() ? *next : *found;
}

void ReloadSteps::err(std::string_view line) {
    if (line.empty()) return;
    outcome_ = os::one_line(line.substr(0, longest_outcome));
}

bool ReloadSteps::rolled_back() const {
    return outcome_.find("rolled back") != std::string::npos;
}

} // namespace sluice::fleet
