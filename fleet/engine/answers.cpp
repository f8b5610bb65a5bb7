#include "fleet/engine/answers.h"

#include <algorithm>
#include <boost/json/parse.hpp>

#include "config/values.h"
#include "init/control/members.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

namespace json = boost::json;
using control::Members;

json::value value_of(std::string_view text) {
    json::error_code error;
    auto value = json::parse(text, error);
    return error ? json::value() : value;
}

std::string text_in(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    const auto* const text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? std::string(*text) : std::string();
}

std::vector<std::string> texts_in(const json::object& object, std::string_view key) {
    std::vector<std::string> texts;
    const auto* const value = object.if_contains(key);
    const auto* const array = value != nullptr ? value->if_array() : nullptr;
    if (array == nullptr) return texts;
    for (const auto& entry : *array) {
        if (const auto* const text = entry.if_string()) texts.emplace_back(*text);
    }
    return texts;
}

const json::object* object_in(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    return value != nullptr ? value->if_object() : nullptr;
}

// "/web-1": the Engine writes names as paths. Of several (links) the one with no more slashes.
std::string name_of(const std::vector<std::string>& names) {
    const auto own = std::ranges::find_if(names, [](const auto& name) {
        return name.size() > 1 && name.starts_with('/') && name.find('/', 1) == std::string::npos;
    });
    return own == names.end() ? std::string() : own->substr(1);
}

// An id goes into the paths of requests.
bool is_id(std::string_view id) {
    return !id.empty() && id.size() <= 128 &&
           id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

std::optional<Listed> listed(const json::value& value) {
    const auto* const object = value.if_object();
    if (object == nullptr) return {};
    Listed one{.id = text_in(*object, "Id"), .name = name_of(texts_in(*object, "Names"))};
    if (!is_id(one.id)) return {};
    if (one.name.empty()) one.name = one.id.substr(0, 12);
    if (const auto* const labels = object_in(*object, "Labels")) {
        for (const auto& label : *labels) {
            if (const auto* const text = label.value().if_string()) {
                one.labels.emplace(label.key(), *text);
            }
        }
    }
    return one;
}

void read_health(const json::object& state, Container& container) {
    const auto* const health = object_in(state, "Health");
    if (health == nullptr) return;
    const auto status = text_in(*health, "Status");
    if (status == "starting") container.health = Container::Health::starting;
    if (status == "healthy") container.health = Container::Health::healthy;
    if (status == "unhealthy") container.health = Container::Health::unhealthy;
    const auto* const log = health->if_contains("Log");
    const auto* const looks = log != nullptr ? log->if_array() : nullptr;
    if (looks == nullptr || looks->empty()) return;
    if (const auto* const last = looks->back().if_object()) {
        container.health_output = text_in(*last, "Output");
    }
}

void read_config(const json::object& config, Container& container) {
    if (const auto* const tty = config.if_contains("Tty")) {
        container.tty = tty->is_bool() && tty->as_bool();
    }
    const auto* const timeout = config.if_contains("StopTimeout");
    if (timeout != nullptr && timeout->is_int64() && timeout->as_int64() >= 0) {
        container.stop_timeout = std::chrono::seconds(
            std::min<std::int64_t>(timeout->as_int64(), config::longest_duration.count() / 1000));
    }
    if (const auto* const check = object_in(config, "Healthcheck")) {
        container.health_check = texts_in(*check, "Test");
    }
}

// With the Engine's init in front, or in the PID namespace of the host or of another container,
// PID 1 is not what the image calls its first process.
bool has_pid_1(const json::object& host_config) {
    const auto* const init = host_config.if_contains("Init");
    return text_in(host_config, "PidMode").empty() &&
           !(init != nullptr && init->is_bool() && init->as_bool());
}

} // namespace

std::optional<std::vector<Listed>> parse_list(std::string_view text) {
    const auto value = value_of(text);
    const auto* const array = value.if_array();
    if (array == nullptr) return {};
    std::vector<Listed> all;
    for (const auto& entry : *array) {
        auto one = listed(entry);
        if (!one) return {};
        all.push_back(*std::move(one));
    }
    return all;
}

std::optional<Container> parse_container(std::string_view text) {
    const auto value = value_of(text);
    const auto* const object = value.if_object();
    if (object == nullptr) return {};
    Members members(*object);
    const auto* const state = members.object("State");
    const auto* const config = members.object("Config");
    Container container{.id = members.text("Id"), .name = name_of({members.text("Name")})};
    container.command = texts_in(*object, "Args");
    container.command.insert(container.command.begin(), members.text("Path"));
    if (!members.whole() || !is_id(container.id)) return {};
    if (container.name.empty()) container.name = container.id.substr(0, 12);
    Members states(*state);
    container.status = states.text("Status");
    container.pid = states.number("Pid");
    container.exit_code = states.number("ExitCode");
    container.started_at = states.text("StartedAt");
    container.finished_at = states.text("FinishedAt");
    if (!states.whole()) return {};
    read_health(*state, container);
    read_config(*config, container);
    if (const auto* const host = object_in(*object, "HostConfig")) {
        container.first_is_pid_1 = has_pid_1(*host);
    }
    return container;
}

std::optional<std::vector<Process>> parse_top(std::string_view text) {
    const auto value = value_of(text);
    const auto* const object = value.if_object();
    const auto* const list = object != nullptr ? object->if_contains("Processes") : nullptr;
    const auto* const rows = list != nullptr ? list->if_array() : nullptr;
    if (rows == nullptr) return {};
    std::vector<Process> all;
    for (const auto& row : *rows) {
        const auto* const columns = row.if_array();
        if (columns == nullptr || columns->size() != 2) return {};
        const auto* const pid = (*columns)[0].if_string();
        const auto* const command = (*columns)[1].if_string();
        if (pid == nullptr || command == nullptr) return {};
        const auto number = config::parse_number(*pid, 1, 1 << 22); // the kernel's PID_MAX_LIMIT
        if (!number) return {};
        all.push_back({*number, std::string(*command)});
    }
    return all;
}

std::optional<std::string> parse_exec_id(std::string_view text) {
    const auto value = value_of(text);
    const auto* const object = value.if_object();
    auto id = object != nullptr ? text_in(*object, "Id") : std::string();
    return is_id(id) ? std::optional(std::move(id)) : std::nullopt;
}

std::optional<ExecState> parse_exec(std::string_view text) {
    const auto value = value_of(text);
    const auto* const object = value.if_object();
    if (object == nullptr) return {};
    Members members(*object);
    ExecState state{.running = members.flag("Running"), .exit_code = members.count("ExitCode")};
    return members.whole() ? std::optional(state) : std::nullopt;
}

std::string error_message(std::string_view text) {
    const auto value = value_of(text);
    const auto* const object = value.if_object();
    return object != nullptr ? text_in(*object, "message") : std::string();
}

std::string exec_body(const std::vector<std::string>& words) {
    std::string list;
    for (const auto& word : words) list += (list.empty() ? "" : ",") + os::json_string(word);
    return R"({"AttachStdout":true,"AttachStderr":true,"Cmd":[)" + list + "]}";
}

} // namespace sluice::fleet
