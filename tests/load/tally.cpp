#include "tests/load/tally.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

namespace load {
namespace {

constexpr std::array<Verdict, verdict_count> all_verdicts{
    Verdict::answered, Verdict::lost, Verdict::refused, Verdict::late, Verdict::cut, Verdict::busy};

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

std::string json_counts(const std::string& prefix, const Counts& counts) {
    const auto field = [&](const char* name, std::uint64_t n) {
        return "\"" + prefix + name + "\":" + std::to_string(n);
    };
    std::string text = field("sent", counts.sent);
    for (const Verdict v : all_verdicts) text += "," + field(name_of(v), counts.of(v));
    return text + "," + field("slow_refused", counts.slow_refused);
}

void add(Counts& counts, const Finding& finding, const Exchange& exchange) {
    ++counts.by_verdict[static_cast<std::size_t>(finding.verdict)];
    if (finding.verdict == Verdict::refused && has_waited(exchange)) ++counts.slow_refused;
    if (finding.verdict == Verdict::answered || finding.verdict == Verdict::late)
        counts.latencies_ms.push_back(milliseconds(exchange.total_time));
}

std::uint64_t sum(const Counts& counts) {
    return std::accumulate(counts.by_verdict.begin(), counts.by_verdict.end(), std::uint64_t{0});
}

std::string row(const std::string& name, const std::string& value) {
    char text[160];
    std::snprintf(text, sizeof text, "  %-34s %s\n", name.c_str(), value.c_str());
    return text;
}

/// What there is any of.
std::string in_words(const Counts& counts) {
    std::string text = std::to_string(counts.sent) + " sent";
    for (const Verdict v : all_verdicts)
        if (counts.of(v) > 0) text += ", " + std::to_string(counts.of(v)) + " " + name_of(v);
    return text;
}

/// Of what was answered, in ms.
struct Latencies {
    double median = 0;
    double p99 = 0;
    double worst = 0;
};

Latencies latencies_of(const Counts& counts) {
    std::vector<double> sorted = counts.latencies_ms;
    std::sort(sorted.begin(), sorted.end());
    return {percentile(sorted, 0.5), percentile(sorted, 0.99), percentile(sorted, 1)};
}

std::string json_latencies(const std::string& prefix, const Counts& counts) {
    const Latencies latencies = latencies_of(counts);
    return "\"" + prefix + "median_ms\":" + fixed(latencies.median, 3) + ",\"" + prefix +
           "p99_ms\":" + fixed(latencies.p99, 3) + ",\"" + prefix +
           "worst_ms\":" + fixed(latencies.worst, 3);
}

std::string json_targets(const std::vector<Counts>& targets) {
    std::string text;
    for (std::size_t i = 0; i < targets.size(); ++i) {
        const std::string prefix = "target" + std::to_string(i + 1) + "_";
        text += "," + json_counts(prefix, targets[i]) + "," + json_latencies(prefix, targets[i]);
    }
    return text;
}

std::string json_versions(const std::map<std::uint64_t, std::uint64_t>& versions) {
    std::map<std::string, std::uint64_t> named;
    for (const auto& [version, n] : versions) named["v" + std::to_string(version)] = n;
    return json_object(named);
}

std::string latencies_in_words(const Counts& counts) {
    const Latencies latencies = latencies_of(counts);
    return fixed(latencies.median, 1) + ", " + fixed(latencies.p99, 1) + ", " +
           fixed(latencies.worst, 1) + " ms";
}

} // namespace

void Tally::finished(const Finding& finding, const Exchange& exchange) {
    add(all_, finding, exchange);
    const auto add_to = [&](Counts& sort) {
        ++sort.sent;
        add(sort, finding, exchange);
    };
    add_to(exchange.post ? post_ : get_);
    if (exchange.reused) add_to(reused_);
    if (exchange.after) add_to(after_);
    add_to(targets_[exchange.target]);
    if (stall_after_ && exchange.total_time > *stall_after_) ++stalled_;
    if (is_stale(exchange, finding.origin)) ++stale_;
    if (finding.origin.version > 0) ++versions_[finding.origin.version];

    retried_refused_ += finding.retried_refused;
    retried_lost_ += finding.retried_lost;
    if (!finding.reason.empty())
        ++reasons_[std::string(name_of(finding.verdict)) + ": " + finding.reason];
    if (!finding.upstream.empty()) ++upstreams_[finding.upstream];
}

bool Tally::adds_up() const {
    return sum(all_) == all_.sent && get_.sent + post_.sent == all_.sent;
}

std::string Tally::json(Clock::duration duration) const {
    return "{" + json_counts("", all_) +
           ",\"retried_refused\":" + std::to_string(retried_refused_) +
           ",\"retried_lost\":" + std::to_string(retried_lost_) +
           ",\"stalled\":" + std::to_string(stalled_) + ",\"stale\":" + std::to_string(stale_) +
           ",\"newest\":" + std::to_string(newest()) + "," + json_latencies("", all_) +
           ",\"duration_s\":" + fixed(milliseconds(duration) / 1000, 3) +
           ",\"behind_ms\":" + fixed(milliseconds(behind_), 3) +
           ",\"upstreams\":" + json_object(upstreams_) + ",\"reasons\":" + json_object(reasons_) +
           "," + json_counts("get_", get_) + "," + json_counts("post_", post_) + "," +
           json_counts("reused_", reused_) + "," + json_counts("after_", after_) +
           json_targets(targets_) + ",\"versions\":" + json_versions(versions_) + "}\n";
}

std::string Tally::table(Clock::duration duration) const {
    std::string text = row("sent", std::to_string(all_.sent) + " in " +
                                       fixed(milliseconds(duration) / 1000, 1) + " s");
    for (const Verdict v : all_verdicts) text += row(name_of(v), std::to_string(all_.of(v)));
    for (const auto& [sort, counts] : {std::pair{"POST", &post_},
                                       {"on a reused connection", &reused_},
                                       {"after the mark", &after_}})
        if (counts->sent > 0 && counts->sent < all_.sent) text += row(sort, in_words(*counts));
    for (const auto& [reason, n] : reasons_) text += row("  " + reason, std::to_string(n));
    if (retried_refused_ + retried_lost_ > 0)
        text += row("answered after nginx's own retry",
                    std::to_string(retried_refused_) + " refused, " +
                        std::to_string(retried_lost_) + " lost at the first upstream");
    for (const auto& [address, n] : upstreams_) text += row("by " + address, std::to_string(n));
    for (const auto& [version, n] : versions_)
        text += row("by version " + std::to_string(version), std::to_string(n));
    if (stalled_ > 0) text += row("stalled", std::to_string(stalled_));
    if (stale_ > 0) text += row("stale", std::to_string(stale_));
    for (std::size_t i = 0; i < targets_.size() && targets_.size() > 1; ++i)
        text += row("  of target " + std::to_string(i + 1), latencies_in_words(targets_[i]));
    text += row("latency median, p99, worst", latencies_in_words(all_));
    return text;
}

} // namespace load
