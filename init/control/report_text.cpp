#include "init/control/report_text.h"

#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::control {

namespace {

using core::Report;
using os::one_line;
using Duration = Report::Duration;

// "34 ms", "3.2 s", "12 min 3 s", "3 h 12 min", "4 d 3 h".
std::string age_in_words(Duration age) {
    const auto whole = std::chrono::duration_cast<std::chrono::seconds>(age).count();
    const auto two = [](auto first, const char* unit, auto second, const char* smaller) {
        return std::to_string(first) + unit + std::to_string(second) + smaller;
    };
    if (whole < 60) return core::in_words(age);
    if (whole < 3'600) return two(whole / 60, " min ", whole % 60, " s");
    if (whole < 86'400) return two(whole / 3'600, " h ", whole % 3'600 / 60, " min");
    return two(whole / 86'400, " d ", whole % 86'400 / 3'600, " h");
}

std::string number(const std::optional<int>& count) {
    return count ? std::to_string(*count) : "?";
}

std::string name_of(Report::Generation::Role role) {
    switch (role) {
    case Report::Generation::Role::live: return "live";
    case Report::Generation::Role::next: return "next";
    case Report::Generation::Role::retiring: return "retiring";
    }
    return {};
}

std::string text_of(const Report::Generation& generation) {
    std::string text =
        "generation " + std::to_string(generation.number) + ", " + name_of(generation.role) + ": ";
    text += generation.pid > 0 ? "pid " + std::to_string(generation.pid) : "no process";
    text += ", started " + age_in_words(generation.age) + " ago";
    if (!generation.release.empty()) text += ", release " + one_line(generation.release);
    text += '\n';
    if (generation.workers) {
        text += "    workers: " + std::to_string(*generation.workers) + ", " +
                number(generation.busy) + " busy\n";
    }
    if (generation.queued) {
        text += "    waiting to be accepted: " + std::to_string(*generation.queued) + "\n";
    }
    if (generation.in_flight) {
        text += "    in flight: " + std::to_string(*generation.in_flight) + "\n";
    }
    for (const auto& request : generation.requests) text += "        " + one_line(request) + "\n";
    return text;
}

std::string text_of(const Report::Pool& pool) {
    return "pool " + one_line(pool.name) + " on " + one_line(pool.listen) + ": " +
           number(pool.idle) + " idle, " + number(pool.busy) + " busy of at most " +
           number(pool.max_children) + "; queue " + number(pool.queue) + "\n";
}

std::string outcome_of(const Report::Reload& reload) {
    const auto took = age_in_words(reload.took);
    switch (reload.outcome) {
    case Report::Reload::Outcome::running:
        return "runs for " + took + (reload.step.empty() ? "" : ", " + one_line(reload.step));
    case Report::Reload::Outcome::done: return "done in " + took;
    case Report::Reload::Outcome::rolled_back: return "ROLLED BACK after " + took;
    case Report::Reload::Outcome::refused: return "REFUSED";
    }
    return {};
}

std::string text_of(const Report::Reload& reload) {
    const bool runs = reload.outcome == Report::Reload::Outcome::running;
    std::string text = runs ? "reload " : "last reload ";
    text += outcome_of(reload) + ", asked for " + age_in_words(reload.ago) + " ago";
    if (!reload.asked_by.empty()) text += " by " + one_line(reload.asked_by);
    text += '\n';
    if (!reload.reason.empty()) text += "    " + one_line(reload.reason) + "\n";
    for (const auto& step : reload.steps) {
        text += "    " + one_line(step.name) + ": " + age_in_words(step.took) + "\n";
    }
    if (!reload.stderr_lines.empty()) text += "    the failed generation's last lines:\n";
    for (const auto& line : reload.stderr_lines) text += "    | " + one_line(line) + "\n";
    return text;
}

} // namespace

std::string report_text(const Report& report) {
    std::string text = one_line(report.service) + " (" + one_line(report.kind) +
                       "): " + one_line(report.state) + "; sluice " + one_line(report.version) +
                       ", started " + age_in_words(report.uptime) + " ago\n";
    for (const auto& generation : report.generations) text += text_of(generation);
    for (const auto& pool : report.pools) text += text_of(pool);
    if (report.last_reload) text += text_of(*report.last_reload);
    if (report.reload_waits) text += "another reload waits until this one has ended\n";
    for (const auto& notice : report.notices) text += "notice: " + one_line(notice) + "\n";
    return text;
}

} // namespace sluice::control
