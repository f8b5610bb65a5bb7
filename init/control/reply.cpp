#include "init/control/reply.h"

#include <boost/json/parse.hpp>

#include "init/control/members.h"
#include "init/control/report_json.h"
#include "init/os/json_text.h"

namespace sluice::control {

namespace {

namespace json = boost::json;

std::string encode(const Progress& progress) {
    const bool done = progress.state == Progress::State::done;
    return R"({"step":)" + os::json_string(progress.step) + R"(,"state":)" +
           (done ? R"("done")" : R"("begins")") + R"(,"took_ms":)" +
           std::to_string(progress.took.count()) + R"(,"text":)" + os::json_string(progress.text) +
           "}";
}

std::string encode(const Done& done) {
    return std::string(R"({"done":true,"ok":)") + (done.ok ? "true" : "false") + R"(,"text":)" +
           os::json_string(done.text) + "}";
}

std::string encode(const Status& status) {
    return R"({"status":)" + status.json + "}";
}

std::string encode(const Failure& failure) {
    return R"({"error":)" + os::json_string(failure.text) + "}";
}

std::optional<Reply> reply_of(Members& members) {
    if (members.has("error")) return Failure{members.text("error")};
    if (members.has("done")) {
        if (!members.flag("done")) members.refuse();
        return Done{.ok = members.flag("ok"), .text = members.text("text")};
    }
    if (!members.has("step")) return {};
    const auto state = members.text("state");
    if (state != "begins" && state != "done") members.refuse();
    return Progress{
        .step = members.text("step"),
        .state = state == "done" ? Progress::State::done : Progress::State::begins,
        .took = members.duration("took_ms"),
        .text = members.text("text"),
    };
}

// The report as it came, not as a parser would write it again.
std::optional<Reply> status_of(std::string_view line) {
    constexpr std::string_view before = R"({"status":)";
    if (!line.starts_with(before) || !line.ends_with('}')) return {};
    line.remove_prefix(before.size());
    line.remove_suffix(1);
    return Status{std::string(line)};
}

} // namespace

std::string encode_reply(const Reply& reply) {
    return std::visit([](const auto& kind) { return encode(kind); }, reply);
}

std::string encode_status(const core::Report& report) {
    return encode(Status{encode_report(report)});
}

std::optional<Reply> parse_reply(std::string_view line) {
    json::error_code error;
    const auto value = json::parse(line, error);
    const auto* const object = error ? nullptr : value.if_object();
    if (object == nullptr) return {};
    Members members(*object);
    if (members.has("status")) {
        return object->size() == 1 && members.object("status") != nullptr ? status_of(line)
                                                                          : std::nullopt;
    }
    auto reply = reply_of(members);
    return members.whole() ? reply : std::nullopt;
}

} // namespace sluice::control
