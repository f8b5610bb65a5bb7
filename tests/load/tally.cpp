#include "tests/load/tally.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace load {
namespace {

constexpr std::array all_verdicts{Verdict::answered, Verdict::lost, Verdict::refused, Verdict::late,
                                  Verdict::cut};

double milliseconds(Clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

std::string fixed(double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

/// The smallest value that is not below `share` of all; 0 when there is none.
double percentile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) return 0;
    const auto rank = static_cast<std::size_t>(std::ceil(share * double(sorted.size())));
    return sorted[std::max<std::size_t>(rank, 1) - 1];
}

std::string json_object(const std::map<std::string, std::uint64_t>& counts) {
    std::string text;
    for (const auto& [name, n] : counts)
        text += (text.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(n);
    return "{" + text + "}";
}

std::string row(const std::string& name, const std::string& value) {
    char text[160];
    std::snprintf(text, sizeof text, "  %-34s %s\n", name.c_str(), value.c_str());
    return text;
}

std::vector<double> sorted(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values;
}

} // namespace

void Tally::finished(const Finding& finding, Clock::duration total_time) {
    ++counts_[static_cast<std::size_t>(finding.verdict)];
    retried_refused_ += finding.retried_refused;
    retried_lost_ += finding.retried_lost;
    if (!finding.reason.empty())
        ++reasons_[std::string(name_of(finding.verdict)) + ": " + finding.reason];
    if (!finding.upstream.empty()) ++upstreams_[finding.upstream];
    if (finding.verdict == Verdict::answered || finding.verdict == Verdict::late)
        latencies_ms_.push_back(milliseconds(total_time));
}

bool Tally::adds_up() const {
    return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}) == sent_;
}

std::string Tally::json(Clock::duration duration) const {
    const auto latencies = sorted(latencies_ms_);
    std::string text = "{\"sent\":" + std::to_string(sent_);
    for (const Verdict v : all_verdicts)
        text += ",\"" + std::string(name_of(v)) + "\":" + std::to_string(count(v));
    text += ",\"retried_refused\":" + std::to_string(retried_refused_) +
            ",\"retried_lost\":" + std::to_string(retried_lost_) +
            ",\"median_ms\":" + fixed(percentile(latencies, 0.5), 3) +
            ",\"p99_ms\":" + fixed(percentile(latencies, 0.99), 3) +
            ",\"worst_ms\":" + fixed(percentile(latencies, 1), 3) +
            ",\"duration_s\":" + fixed(milliseconds(duration) / 1000, 3) +
            ",\"behind_ms\":" + fixed(milliseconds(behind_), 3) +
            ",\"upstreams\":" + json_object(upstreams_) + ",\"reasons\":" + json_object(reasons_);
    return text + "}\n";
}

std::string Tally::table(Clock::duration duration) const {
    const auto latencies = sorted(latencies_ms_);
    std::string text = row("sent", std::to_string(sent_) + " in " +
                                       fixed(milliseconds(duration) / 1000, 1) + " s");
    for (const Verdict v : all_verdicts) text += row(name_of(v), std::to_string(count(v)));
    for (const auto& [reason, n] : reasons_) text += row("  " + reason, std::to_string(n));
    if (retried_refused_ + retried_lost_ > 0)
        text += row("answered after nginx's own retry",
                    std::to_string(retried_refused_) + " refused, " +
                        std::to_string(retried_lost_) + " lost at the first upstream");
    for (const auto& [address, n] : upstreams_) text += row("by " + address, std::to_string(n));
    text += row("latency median, p99, worst", fixed(percentile(latencies, 0.5), 1) + ", " +
                                                  fixed(percentile(latencies, 0.99), 1) + ", " +
                                                  fixed(percentile(latencies, 1), 1) + " ms");
    return text;
}

} // namespace load
