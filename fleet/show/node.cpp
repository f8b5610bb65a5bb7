#include "fleet/show/node.h"

#include <algorithm>

#include "fleet/show/cells.h"
#include "init/control/report_json.h"
#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

using core::Report;
using Role = Report::Generation::Role;

constexpr std::size_t longest_cell = 40;

// "34 s", "12 min", "3 h", "4 d": a table needs no more of an age.
std::string age(std::chrono::milliseconds passed) {
    const auto seconds = passed.count() / 1'000;
    if (seconds < 60) return std::to_string(seconds) + " s";
    if (seconds < 3'600) return std::to_string(seconds / 60) + " min";
    if (seconds < 86'400) return std::to_string(seconds / 3'600) + " h";
    return std::to_string(seconds / 86'400) + " d";
}

std::string number(const std::optional<int>& count) {
    return count ? std::to_string(*count) : "?";
}

// Nothing if one is not known.
std::optional<int> sum(const std::vector<Report::Generation>& generations,
                       std::optional<int> Report::Generation::*count) {
    std::optional<int> total = 0;
    for (const auto& generation : generations) {
        if (generation.role == Role::next) continue;
        if (!(generation.*count)) return {};
        *total += *(generation.*count);
    }
    return total;
}

std::string state_of(const Report& report) {
    const bool retires = std::ranges::any_of(report.generations, [](const auto& generation) {
        return generation.role == Role::retiring;
    });
    return report.state + (retires ? ", one retiring" : "");
}

std::string reload_of(const Report& report) {
    if (!report.last_reload) return "-";
    const auto& reload = *report.last_reload;
    const auto ago = ", " + age(reload.ago) + " ago";
    switch (reload.outcome) {
    case Report::Reload::Outcome::running: return "runs: " + reload.step;
    case Report::Reload::Outcome::done: return "done in " + core::in_words(reload.took) + ago;
    case Report::Reload::Outcome::rolled_back: return "ROLLED BACK" + ago;
    case Report::Reload::Outcome::refused: return "REFUSED" + ago;
    }
    return {};
}

std::vector<std::string> cells_of(const NodeRow& row) {
    if (!row.report) return {row.name, os::one_line(row.trouble)};
    const auto& report = *row.report;
    const auto live = std::ranges::find(report.generations, Role::live, &Report::Generation::role);
    const bool found = live != report.generations.end();
    std::string release = found ? live->release : "";
    if (release.empty()) release = "-";
    if (release.size() > longest_cell) { // its end tells one from the other
        release = ".." + release.substr(release.size() - (longest_cell - 2));
    }
    const auto workers = found ? number(live->busy) + " of " + number(live->workers) : "?";
    return {row.name,
            state_of(report),
            found ? std::to_string(live->number) : "?",
            release,
            std::to_string(report.pools.size()),
            workers,
            number(sum(report.generations, &Report::Generation::in_flight)),
            number(sum(report.generations, &Report::Generation::queued)),
            reload_of(report),
            age(report.uptime)};
}

} // namespace

std::string node_text(const std::vector<NodeRow>& rows) {
    std::vector<std::vector<std::string>> lines{{"CONTAINER", "STATE", "GENERATION", "RELEASE",
                                                 "POOLS", "BUSY", "IN FLIGHT", "QUEUE",
                                                 "LAST RELOAD", "UP"}};
    for (const auto& row : rows) lines.push_back(cells_of(row));
    return table(lines, longest_cell);
}

std::string node_json(const std::vector<NodeRow>& rows) {
    std::string list;
    for (const auto& row : rows) {
        list += (list.empty() ? "{" : ",{") + std::string(R"("container":)") +
                os::json_string(row.name);
        list += row.report ? R"(,"status":)" + control::encode_report(*row.report)
                           : R"(,"error":)" + os::json_string(row.trouble);
        list += "}";
    }
    return R"({"containers":[)" + list + "]}\n";
}

} // namespace sluice::fleet
