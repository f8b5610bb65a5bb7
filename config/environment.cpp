#include "config/environment.h"

#include <algorithm>
#include <array>

#include "config/hint.h"
#include "config/keys.h"
#include "config/quote.h"

namespace sluice::config {

namespace {

constexpr std::string_view prefix = "SLUICE_";

struct Variable {
    std::string_view name;
    std::string_view value;
};

Variable split(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return {text, {}};
    return {text.substr(0, equals), text.substr(equals + 1)};
}

bool is_own(std::string_view name) {
    return name.starts_with(prefix) && !is_injected(name);
}

// "80_TCP", "80_TCP_ADDR", "53_UDP_PORT_START"
bool is_linked_port(std::string_view text) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0) return false;
    const auto rest = text.substr(digits);
    constexpr std::array<std::string_view, 3> protocols{"_TCP", "_UDP", "_SCTP"};
    return std::ranges::any_of(protocols, [rest](std::string_view protocol) {
        if (!rest.starts_with(protocol)) return false;
        return rest.size() == protocol.size() || rest[protocol.size()] == '_';
    });
}

// Known names that stand for no key.
bool is_special(std::string_view name) {
#ifdef SLUICE_FAULT_POINTS
    if (name == "SLUICE_FAULT") return true;
#endif
    return name == "SLUICE_CONFIG";
}

const Key* key_of(std::string_view name) {
    const auto found = std::ranges::find_if(
        keys(), [name](const Key& key) { return environment_name(key.name) == name; });
    return found == keys().end() ? nullptr : &*found;
}

// `[signals]`, `[[reload.warmup]]` or `service.command`, where the variable is named like something
// that only the file can have; else empty.
std::string only_in_the_file(std::string_view name) {
    for (const auto& section : sections()) {
        if (!section.is_array() && section.name != "signals") continue;
        const auto variable = environment_name(section.name);
        if (name == variable || name.starts_with(variable + "_")) return header_of(section);
    }
    const auto* const key = key_of(name);
    return key == nullptr || can_come_from_environment(*key) ? "" : std::string(key->name);
}

void apply_variable(const Variable& variable, Reading& reading) {
    const std::string where(from_environment);
    const auto name = shown(variable.name);
    if (const auto what = only_in_the_file(variable.name); !what.empty()) {
        reading.loaded.problems.push_back({where, name,
                                           "ignored, as lists and tables cannot come from the "
                                           "environment; write " +
                                               what + " into the configuration file",
                                           true});
        return;
    }
    const auto* const key = key_of(variable.name);
    if (key == nullptr) {
        reading.loaded.problems.push_back({where, name, unknown_variable(variable.name), true});
        return;
    }
    if (key->parse(variable.value, reading.loaded.settings))
        reading.set(std::string(key->name), where, where);
    else
        reading.refuse(where, name,
                       quoted(variable.value) + " " + refusal(*key) +
                           did_you_mean(variable.value, key->choices));
}

} // namespace

bool is_injected(std::string_view name) {
    if (!name.starts_with(prefix)) return false;
    const auto rest = name.substr(prefix.size());
    // Kubernetes, for a Service: SLUICE_SERVICE_HOST, SLUICE_SERVICE_PORT,
    // SLUICE_SERVICE_PORT_HTTP.
    constexpr std::string_view named_port = "SERVICE_PORT_";
    if (rest == "SERVICE_HOST" || rest == "SERVICE_PORT") return true;
    if (rest.starts_with(named_port)) return rest.size() > named_port.size();
    // Both, for its ports: SLUICE_PORT, SLUICE_PORT_80_TCP, SLUICE_PORT_80_TCP_ADDR.
    constexpr std::string_view port = "PORT_";
    if (rest == "PORT") return true;
    if (rest.starts_with(port)) return is_linked_port(rest.substr(port.size()));
    // Docker, for a link called sluice: SLUICE_NAME=/web/sluice, and SLUICE_ENV_ before every
    // variable of the container that the link leads to.
    constexpr std::string_view linked_variable = "ENV_";
    if (rest.starts_with(linked_variable)) return rest.size() > linked_variable.size();
    return rest == "NAME";
}

std::string value_of(std::string_view name, const std::vector<std::string>& environment) {
    for (const auto& text : environment)
        if (const auto variable = split(text); variable.name == name)
            return std::string(variable.value);
    return {};
}

void apply_environment(const std::vector<std::string>& environment, Reading& reading) {
    for (const auto& text : environment) {
        const auto variable = split(text);
        if (!is_own(variable.name) || is_special(variable.name)) continue;
        // Compose passes on a variable that is not set as an empty one.
        if (variable.value.empty()) continue;
        apply_variable(variable, reading);
    }
}

std::vector<std::string> without_own(const std::vector<std::string>& environment) {
    std::vector<std::string> rest;
    for (const auto& text : environment)
        if (!is_own(split(text).name)) rest.push_back(text);
    return rest;
}

} // namespace sluice::config
