#include "config/hint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <vector>

#include "config/keys.h"

namespace sluice::config {

namespace {

// Longer than any name of ours by so much that nothing can be near.
constexpr std::size_t longest_compared = 48;

using Row = std::array<std::size_t, longest_compared + 1>;

bool same_letter(char a, char b) {
    return std::tolower(static_cast<unsigned char>(a)) ==
           std::tolower(static_cast<unsigned char>(b));
}

// Letters to add, remove, change or swap with their neighbour (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
    Row before_last{};
    Row last{};
    Row current{};
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = same_letter(a[i - 1], b[j - 1]) ? 0 : 1;
            current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + change});
            const bool swapped = i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                                 same_letter(a[i - 2], b[j - 1]);
            if (swapped) current[j] = std::min(current[j], before_last[j - 2] + 1);
        }
        before_last = last;
        last = current;
    }
    return last[b.size()];
}

std::vector<std::string_view> names_in(std::string_view section) {
    std::vector<std::string_view> names;
    for (const auto& key : keys())
        if (section_of(key) == section && key.type != Type::signal_rules)
            names.push_back(name_in_section(key));
    return names;
}

std::string joined(std::span<const std::string_view> words) {
    std::string text;
    for (std::size_t at = 0; at < words.size(); ++at) {
        if (at > 0) text += at + 1 == words.size() ? " and " : ", ";
        text += words[at];
    }
    return text;
}

std::string headers() {
    std::vector<std::string> all;
    for (const auto& section : sections()) all.push_back(header_of(section));
    return joined(std::vector<std::string_view>(all.begin(), all.end()));
}

// "reload" for "reload.warmup"
std::string_view outermost(std::string_view section) {
    return section.substr(0, section.find('.'));
}

// "warmup" for "reload.warmup"
std::string_view last_part(std::string_view section) {
    return section.substr(section.rfind('.') + 1);
}

// The key that is called so in another section, one nearby if there are several.
const Key* key_called(std::string_view section, std::string_view name) {
    const Key* found = nullptr;
    for (const auto& key : keys()) {
        if (name_in_section(key) != name && key.name != name) continue;
        if (outermost(section_of(key)) == outermost(section)) return &key;
        if (found == nullptr) found = &key;
    }
    return found;
}

// In the order of likelihood: the right name in the wrong section, a misspelling in the right
// section, a misspelling elsewhere.
const Key* nearest_key(std::string_view section, std::string_view name) {
    if (const auto* const key = key_called(section, name)) return key;
    const auto neighbours = names_in(section);
    if (const auto found = nearest(name, neighbours))
        return find_key(std::string(section) + "." + std::string(*found));
    std::vector<std::string_view> names;
    for (const auto& key : keys()) names.push_back(name_in_section(key));
    const auto found = nearest(name, names);
    if (!found) return nullptr;
    const auto at = std::ranges::find(names, *found) - names.begin();
    const auto& key = keys()[static_cast<std::size_t>(at)];
    return key.type == Type::signal_rules ? nullptr : &key;
}

// By the last part of its name, so that [[warmup]] leads to [[reload.warmup]].
const Section* nearest_section(std::string_view name) {
    if (const auto* const section = find_section(name)) return section; // quoted, with its dot
    std::vector<std::string_view> names;
    for (const auto& section : sections()) names.push_back(last_part(section.name));
    const auto found = nearest(name, names);
    if (!found) return nullptr;
    const auto at = std::ranges::find(names, *found) - names.begin();
    return &sections()[static_cast<std::size_t>(at)];
}

} // namespace

std::optional<std::string_view> nearest(std::string_view text,
                                        std::span<const std::string_view> candidates) {
    if (text.size() > longest_compared) return {};
    std::optional<std::string_view> best;
    std::size_t best_distance = 0;
    for (const auto candidate : candidates) {
        if (candidate.size() > longest_compared) continue;
        const auto distance = edit_distance(text, candidate);
        // A third of the letters wrong is still a slip; more is another word.
        const auto length = std::min(text.size(), candidate.size());
        if (distance > std::min<std::size_t>(length / 3, 3)) continue;
        if (best && distance >= best_distance) continue;
        best = candidate;
        best_distance = distance;
    }
    return best;
}

std::string did_you_mean(std::string_view text, std::span<const std::string_view> candidates) {
    const auto found = nearest(text, candidates);
    return found ? "; did you mean " + std::string(*found) + "?" : "";
}

std::string unknown_key(std::string_view section, std::string_view name) {
    if (const auto* const key = nearest_key(section, name)) {
        auto message = "unknown key; did you mean " + std::string(key->name) + "?";
        if (section_of(*key) != section)
            message += " It belongs below " + header_of(*find_section(section_of(*key)));
        return message;
    }
    const auto* const known = find_section(section);
    if (known == nullptr) return "unknown key; every key belongs below one of " + headers();
    return "unknown key; " + header_of(*known) + " has " + joined(names_in(section));
}

std::string unknown_section(std::string_view section, std::string_view name) {
    if (const auto* const found = nearest_section(name))
        return "unknown section; did you mean " + header_of(*found) + "?";
    if (!section.empty()) return unknown_key(section, name);
    return "unknown section; there are " + headers();
}

std::string unknown_variable(std::string_view name) {
    std::vector<std::string> names{"SLUICE_CONFIG"};
    for (const auto& key : keys())
        if (can_come_from_environment(key)) names.push_back(environment_name(key.name));
    // The prefix is the same in all; with it, names that have nothing in common would be near.
    constexpr auto prefix = std::string_view("SLUICE_").size();
    std::vector<std::string_view> endings;
    endings.reserve(names.size());
    for (const auto& known : names) endings.push_back(std::string_view(known).substr(prefix));
    if (const auto found = nearest(name.substr(prefix), endings))
        return "unknown variable, ignored; did you mean SLUICE_" + std::string(*found) + "?";
    return "unknown variable, ignored; remove it, or see docs/configuration.md for the names";
}

} // namespace sluice::config
