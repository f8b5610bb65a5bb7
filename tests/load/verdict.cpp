#include "tests/load/verdict.h"

#include "tests/load/response.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace load {
namespace {

constexpr Millis late_after{900};

/// One upstream that nginx tried.
struct Try {
    std::string addr;
    std::string status;
    std::string connect_time;
    std::string bytes_sent;
};

/// nginx puts ", " between the upstreams of one group and " : " between those of two groups.
std::vector<std::string> split_items(std::string_view header) {
    std::vector<std::string> items;
    while (!header.empty()) {
        const auto end = std::min(header.find(", "), header.find(" : "));
        items.emplace_back(header.substr(0, end));
        if (end == header.npos) break;
        header.remove_prefix(end + (header[end] == ',' ? 2 : 3));
    }
    return items;
}

std::vector<Try> tries_of(const Response& response) {
    const auto column = [&](const char* name) {
        return split_items(response.header(name).value_or(""));
    };
    const auto at = [](const std::vector<std::string>& items, std::size_t i) {
        return i < items.size() ? items[i] : std::string();
    };
    const auto addrs = column("x-upstream-addr");
    const auto statuses = column("x-upstream-status");
    const auto connect_times = column("x-upstream-connect-time");
    const auto bytes_sent = column("x-upstream-bytes-sent");
    std::vector<Try> tries;
    for (std::size_t i = 0; i < statuses.size(); ++i)
        tries.push_back({at(addrs, i), statuses[i], at(connect_times, i), at(bytes_sent, i)});
    return tries;
}

bool was_refused(const Try& t) {
    return t.status == "502" && t.connect_time == "-" && t.bytes_sent == "0";
}

bool was_late(const Try& t) {
    return std::strtod(t.connect_time.c_str(), nullptr) * 1000 > double(late_after.count());
}

template <typename Predicate>
unsigned count(const std::vector<Try>& tries, Predicate predicate) {
    unsigned n = 0;
    for (const Try& t : tries) n += predicate(t) ? 1U : 0U;
    return n;
}

bool is_expected(const Response& response, const std::string& expected) {
    const std::string body = response.body();
    return response.status() == 200 && body.starts_with(expected) && body.ends_with(" end\n");
}

Finding judge_answer(const Exchange& exchange, const Response& response,
                     const std::vector<Try>& tries) {
    Finding finding;
    const bool late = has_waited(exchange) || count(tries, was_late) > 0;
    finding.verdict = late ? Verdict::late : Verdict::answered;
    finding.origin = origin_of(response.body());
    if (tries.empty()) return finding;
    finding.upstream = tries.back().addr;
    finding.retried_refused = count(tries, was_refused);
    finding.retried_lost = static_cast<unsigned>(tries.size()) - 1 - finding.retried_refused;
    return finding;
}

std::string reason_of(const Exchange& exchange, const Response& response) {
    switch (exchange.end) {
    case End::unconnected:
        return exchange.error == 0 ? "not connected at the end" : std::strerror(exchange.error);
    case End::refused: return exchange.error == ENOENT ? "no such path" : "";
    case End::busy: return "";
    case End::broken:
        if (response.status() != 0) return "truncated";
        return exchange.error == 0 ? "closed before an answer" : "reset before an answer";
    case End::unanswered: return "in flight at the end";
    case End::complete: break;
    }
    if (response.status() == 200) return "wrong text";
    return "status " + std::to_string(response.status());
}

} // namespace

bool has_waited(const Exchange& exchange) {
    return exchange.connect_time > late_after;
}

bool is_stale(const Exchange& exchange, const Origin& origin) {
    return !exchange.reused && origin.version > 0 && origin.version < exchange.newest;
}

const char* name_of(Verdict verdict) {
    switch (verdict) {
    case Verdict::answered: return "answered";
    case Verdict::late: return "late";
    case Verdict::refused: return "refused";
    case Verdict::busy: return "busy";
    case Verdict::cut: return "cut";
    case Verdict::lost: return "lost";
    }
    return "";
}

Finding judge(const Exchange& exchange, const Response& response, std::optional<Millis> cut_after) {
    const std::vector<Try> tries = tries_of(response);
    if (exchange.end == End::complete && is_expected(response, exchange.expected))
        return judge_answer(exchange, response, tries);

    Finding finding;
    const bool all_refused = !tries.empty() && count(tries, was_refused) == tries.size();
    const bool ended_by_service = exchange.end == End::broken || response.status() == 502;
    if (exchange.end == End::refused || (response.status() == 502 && all_refused))
        finding.verdict = Verdict::refused;
    else if (exchange.end == End::busy)
        finding.verdict = Verdict::busy;
    else if (cut_after && ended_by_service && exchange.total_time >= *cut_after)
        finding.verdict = Verdict::cut;
    // What nginx calls refused needs no reason: there is only one.
    if (finding.verdict != Verdict::refused || tries.empty())
        finding.reason = reason_of(exchange, response);
    if (exchange.reused) finding.reason += ", on a reused connection";
    return finding;
}

} // namespace load
