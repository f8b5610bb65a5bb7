#include "config/print.h"

#include <algorithm>

#include "config/keys.h"
#include "config/quote.h"
#include "signals/names.h"

namespace sluice::config {

namespace {

std::string origin_of(std::string_view key, const Loaded& loaded) {
    const auto found = std::ranges::find(loaded.origins, key, &Origins::value_type::first);
    return found == loaded.origins.end() ? "default" : found->second;
}

std::string text_of(const signals::Rule& rule) {
    switch (rule.meaning) {
    case signals::Meaning::drain: return "drain";
    case signals::Meaning::reload: return "reload";
    case signals::Meaning::ignore: return "ignore";
    case signals::Meaning::forward: break;
    }
    return rule.forward_as == 0 ? "forward" : "forward " + signals::name_of(rule.forward_as);
}

std::string line(std::string_view name, const std::string& value, const std::string& origin) {
    return std::string(name) + " = " + value + "  # " + origin + "\n";
}

std::string print_rules(const Key& key, const Loaded& loaded) {
    std::string text;
    for (const auto& [signal, rule] : loaded.settings.signals) {
        const auto name = signals::name_of(signal);
        // "RTMIN+3" is no bare key.
        const auto written = name.find('+') == std::string::npos ? name : toml_string(name);
        text += line(written, toml_string(text_of(rule)), origin_of("signals." + name, loaded));
    }
    return text + "# NAME = ...  # default: " + default_in_words(key) + "\n";
}

std::string print_value(const Key& key, const Loaded& loaded) {
    const auto name = name_in_section(key);
    const auto origin = origin_of(key.name, loaded);
    const auto value = key.print(loaded.settings);
    if (!value) return "# " + line(name, "...", "default: " + default_in_words(key));
    const bool usual = origin == "default" && key.usual.is_value;
    return line(name, usual ? toml_string(key.usual.php_fpm) : *value, origin);
}

} // namespace

std::string print(const Loaded& loaded) {
    std::string text;
    for (const auto section : sections()) {
        text += (text.empty() ? "[" : "\n[") + std::string(section) + "]\n";
        for (const auto& key : keys()) {
            if (section_of(key) != section) continue;
            const bool rules = key.type == Type::signal_rules;
            text += rules ? print_rules(key, loaded) : print_value(key, loaded);
        }
    }
    return text;
}

} // namespace sluice::config
