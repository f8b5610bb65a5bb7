#include "config/apply_rule.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "config/hint.h"
#include "config/keys.h"
#include "config/quote.h"
#include "signals/names.h"
#include "signals/rule.h"

namespace sluice::config {

namespace {

const Key& signal_rules_key() {
    return *std::ranges::find(keys(), Type::signal_rules, &Key::type);
}

std::string unknown_signal(std::string_view name) {
    const bool key_of_another_section = std::ranges::any_of(keys(), [name](const Key& key) {
        return key.type != Type::signal_rules && name_in_section(key) == name;
    });
    if (key_of_another_section) return unknown_key(section_of(signal_rules_key()), name);
    std::vector<std::string> usual;
    for (const int signal : signals::catchable()) usual.push_back(signals::name_of(signal));
    const std::vector<std::string_view> candidates(usual.begin(), usual.end());
    const auto bare = name.starts_with("SIG") ? name.substr(3) : name;
    return "is not a signal; write a name or a number, as in TERM, SIGUSR1, \"RTMIN+3\"" +
           did_you_mean(bare, candidates);
}

// What is wrong with a name below [signals]; empty: nothing.
std::string signal_objection(const std::string& name) {
    const auto number = signals::number_of(name);
    if (!number) return unknown_signal(name);
    if (signals::can_have_rule(*number)) return {};
    if (*number == SIGKILL || *number == SIGSTOP)
        return "never reaches sluice: the kernel lets no process catch it; remove this line";
    if (signals::is_fault(*number))
        return "stands for a fault in the process that gets it, so it is never forwarded; remove "
               "this line";
    return "tells sluice that a process ended, and is never forwarded; remove this line";
}

std::string objection_to_rule(const Value& value) {
    using namespace std::string_view_literals;
    constexpr auto forward = "forward "sv;
    const bool is_string = value.type == Value::Type::string;
    if (is_string && value.text.starts_with(forward))
        return description(value) + " names no signal; write one as in \"forward QUIT\"";
    constexpr std::array meanings{"drain"sv, "reload"sv, "forward"sv, "ignore"sv};
    return description(value) + " " + refusal(signal_rules_key()) +
           did_you_mean(value.text, meanings);
}

} // namespace

void apply_rule(const Member& line, FileReading& file) {
    const auto name = "signals." + (line.name.empty() ? R"("")" : shown(line.name));
    const auto objection = signal_objection(line.name);
    if (!objection.empty()) return file.refuse(line.position, name, objection);
    const int signal = signals::number_of(line.name).value_or(0);
    const auto key = "signals." + signals::name_of(signal);
    if (const auto earlier = file.places().find(key); earlier != file.places().end())
        return file.refuse(line.position, name,
                           "is the same signal as in " + earlier->second + "; keep one of the two");
    const auto& value = line.value;
    const auto rule =
        value.type == Value::Type::string ? signals::parse_rule(value.text) : std::nullopt;
    // Noted even where the rule is wrong, so that a second name for the signal is told as well.
    file.places()[key] = file.place(value.position);
    if (!rule) return file.refuse(value.position, name, objection_to_rule(value));
    file.settings().signals[signal] = *rule;
    file.set(key, value.position);
}

} // namespace sluice::config
