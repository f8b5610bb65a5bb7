#include "init/control/report_json.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>

#include "init/control/members.h"
#include "init/os/json_text.h"

namespace sluice::control {

namespace {

namespace json = boost::json;
using core::Report;
using Role = Report::Generation::Role;
using Outcome = Report::Reload::Outcome;

template <typename Value>
struct Name {
    Value value;
    std::string_view name;
};

constexpr std::array role_names{
    Name<Role>{Role::live, "live"},
    Name<Role>{Role::next, "next"},
    Name<Role>{Role::retiring, "retiring"},
};
constexpr std::array outcome_names{
    Name<Outcome>{Outcome::running, "running"},
    Name<Outcome>{Outcome::done, "done"},
    Name<Outcome>{Outcome::rolled_back, "rolled back"},
    Name<Outcome>{Outcome::refused, "refused"},
};

template <typename Names, typename Value>
std::string name_in(const Names& names, Value value) {
    return std::string(std::ranges::find(names, value, &Name<Value>::value)->name);
}

// Writes one object, member by member.
class Object {
  public:
    Object& text(std::string_view key, std::string_view value) {
        return raw(key, os::json_string(value.substr(0, longest_text)));
    }

    Object& number(std::string_view key, std::int64_t value) {
        return raw(key, std::to_string(value));
    }

    Object& count(std::string_view key, const std::optional<int>& value) {
        return raw(key, value ? std::to_string(*value) : "null");
    }

    Object& flag(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }

    template <typename Entry, typename Encode>
    Object& list(std::string_view key, const std::vector<Entry>& entries, Encode encode) {
        std::string array;
        for (std::size_t at = 0; at < std::min(entries.size(), most_entries); ++at) {
            array += (at == 0 ? "" : ",") + encode(entries[at]);
        }
        return raw(key, "[" + array + "]");
    }

    Object& texts(std::string_view key, const std::vector<std::string>& entries) {
        return list(key, entries, [](const std::string& entry) {
            return os::json_string(std::string_view(entry).substr(0, longest_text));
        });
    }

    Object& raw(std::string_view key, const std::string& json) {
        text_ += text_.empty() ? "{\"" : ",\"";
        text_ += key;
        text_ += "\":";
        text_ += json;
        return *this;
    }

    std::string end() const { return text_ + "}"; }

  private:
    std::string text_;
};

std::string encode(const Report::Generation& generation) {
    return Object()
        .number("number", generation.number)
        .text("role", name_in(role_names, generation.role))
        .number("pid", generation.pid)
        .number("age_ms", generation.age.count())
        .text("release", generation.release)
        .count("workers", generation.workers)
        .count("busy", generation.busy)
        .count("in_flight", generation.in_flight)
        .texts("requests", generation.requests)
        .count("queued", generation.queued)
        .end();
}

std::string encode(const Report::Pool& pool) {
    return Object()
        .text("name", pool.name)
        .text("listen", pool.listen)
        .count("idle", pool.idle)
        .count("busy", pool.busy)
        .count("queue", pool.queue)
        .count("max_children", pool.max_children)
        .end();
}

std::string encode(const Report::Step& step) {
    return Object().text("name", step.name).number("took_ms", step.took.count()).end();
}

std::string encode(const Report::Reload& reload) {
    return Object()
        .text("outcome", name_in(outcome_names, reload.outcome))
        .text("asked_by", reload.asked_by)
        .number("ago_ms", reload.ago.count())
        .number("took_ms", reload.took.count())
        .text("step", reload.step)
        .text("reason", reload.reason)
        .list("steps", reload.steps, [](const auto& step) { return encode(step); })
        .texts("stderr", reload.stderr_lines)
        .end();
}

template <typename Names>
auto value_in(const Names& names, Members& members, std::string_view key) {
    const auto name = members.text(key);
    const auto found =
        std::ranges::find_if(names, [&](const auto& one) { return one.name == name; });
    if (found == names.end()) members.refuse();
    return found == names.end() ? names.front().value : found->value;
}

// Each entry of a list is an object that `read` makes a value of.
template <typename Read>
auto list_of(Members& members, std::string_view key, Read read) {
    std::vector<decltype(read(std::declval<Members&>()))> list;
    const auto* const array = members.array(key);
    if (array == nullptr) return list;
    for (const auto& value : *array) {
        const auto* const object = value.if_object();
        if (object == nullptr) {
            members.refuse();
            return list;
        }
        Members entry(*object);
        list.push_back(read(entry));
        if (!entry.whole()) members.refuse();
    }
    return list;
}

std::vector<std::string> texts_of(Members& members, std::string_view key) {
    std::vector<std::string> list;
    const auto* const array = members.array(key);
    if (array == nullptr) return list;
    for (const auto& value : *array) {
        const auto* const text = value.if_string();
        if (text == nullptr) members.refuse();
        list.emplace_back(text == nullptr ? std::string_view() : std::string_view(*text));
    }
    return list;
}

Report::Generation generation_of(Members& members) {
    return {
        .number = members.number("number"),
        .role = value_in(role_names, members, "role"),
        .pid = members.number("pid"),
        .age = members.duration("age_ms"),
        .release = members.text("release"),
        .workers = members.count("workers"),
        .busy = members.count("busy"),
        .in_flight = members.count("in_flight"),
        .requests = texts_of(members, "requests"),
        .queued = members.count("queued"),
    };
}

Report::Pool pool_of(Members& members) {
    return {
        .name = members.text("name"),
        .listen = members.text("listen"),
        .idle = members.count("idle"),
        .busy = members.count("busy"),
        .queue = members.count("queue"),
        .max_children = members.count("max_children"),
    };
}

Report::Step step_of(Members& members) {
    return {.name = members.text("name"), .took = members.duration("took_ms")};
}

std::optional<Report::Reload> reload_of(Members& outer) {
    if (outer.is_null("last_reload")) return {};
    const auto* const object = outer.object("last_reload");
    if (object == nullptr) return {};
    Members members(*object);
    Report::Reload reload{
        .outcome = value_in(outcome_names, members, "outcome"),
        .asked_by = members.text("asked_by"),
        .ago = members.duration("ago_ms"),
        .took = members.duration("took_ms"),
        .step = members.text("step"),
        .reason = members.text("reason"),
        .steps = list_of(members, "steps", step_of),
        .stderr_lines = texts_of(members, "stderr"),
    };
    if (!members.whole()) outer.refuse();
    return reload;
}

} // namespace

std::string encode_report(const Report& report) {
    return Object()
        .text("version", report.version)
        .text("service", report.service)
        .text("kind", report.kind)
        .text("state", report.state)
        .number("uptime_ms", report.uptime.count())
        .list("generations", report.generations, [](const auto& one) { return encode(one); })
        .list("pools", report.pools, [](const auto& pool) { return encode(pool); })
        .raw("last_reload", report.last_reload ? encode(*report.last_reload) : "null")
        .flag("reload_waits", report.reload_waits)
        .texts("notices", report.notices)
        .end();
}

std::optional<Report> parse_report(std::string_view text) {
    json::error_code error;
    const auto value = json::parse(text, error);
    const auto* const object = error ? nullptr : value.if_object();
    if (object == nullptr) return {};
    Members members(*object);
    Report report{
        .version = members.text("version"),
        .service = members.text("service"),
        .kind = members.text("kind"),
        .state = members.text("state"),
        .uptime = members.duration("uptime_ms"),
        .generations = list_of(members, "generations", generation_of),
        .pools = list_of(members, "pools", pool_of),
        .last_reload = reload_of(members),
        .reload_waits = members.flag("reload_waits"),
        .notices = texts_of(members, "notices"),
    };
    return members.whole() ? std::optional(std::move(report)) : std::nullopt;
}

} // namespace sluice::control
