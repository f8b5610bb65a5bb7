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

// `name` is that of the section, with the number of the entry.
std::string print_value(const Key& key, const std::string& name, std::size_t entry,
                        const Loaded& loaded) {
    const auto key_name = name_in_section(key);
    const auto origin = origin_of(name + "." + std::string(key_name), loaded);
    const auto value = key.print(loaded.settings, entry);
    if (!value) return "# " + line(key_name, "...", "default: " + default_in_words(key));
    const bool usual = origin == "default" && key.usual.is_value;
    return line(key_name, usual ? default_as_toml(key) : *value, origin);
}

std::string print_section(const Section& section, const std::string& name, std::size_t entry,
                          const Loaded& loaded) {
    std::string text = header_of(section) + "\n";
    for (const auto& key : keys()) {
        if (section_of(key) != section.name) continue;
        const bool rules = key.type == Type::signal_rules;
        text += rules ? print_rules(key, loaded) : print_value(key, name, entry, loaded);
    }
    return text;
}

std::string print_array(const Section& section, const Loaded& loaded) {
    const auto count = section.entries(loaded.settings);
    if (count == 0) return "# " + header_of(section) + "  # default: none\n";
    std::string text;
    for (std::size_t entry = 0; entry < count; ++entry) {
        if (entry > 0) text += "\n";
        const auto name = std::string(section.name) + "[" + std::to_string(entry + 1) + "]";
        text += print_section(section, name, entry, loaded);
    }
    return text;
}

} // namespace

std::string print(const Loaded& loaded) {
    std::string text;
    for (const auto& section : sections()) {
        if (!text.empty()) text += "\n";
        text += section.is_array() ? print_array(section, loaded)
                                   : print_section(section, std::string(section.name), 0, loaded);
    }
    return text;
}

} // namespace sluice::config
