#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace sluice::config {

enum class Type { duration, backoff, limit, choice, signal, string_list, signal_rules };

/// The defaults in words; all are the same where the kind of service does not matter.
struct Default {
    std::string_view php_fpm;
    std::string_view nginx;
    std::string_view plain;
    bool is_value = false; // the text is what the operator could write in its place
};

/// All that sluice knows of one key. TOML, the environment, `sluice check --print` and the
/// reference page are made from it; a new key is a new row in keys.cpp.
struct Key {
    std::string_view name; // "drain.deadline"
    Type type;
    std::span<const std::string_view> choices; // of Type::choice
    Default usual;
    std::string_view help; // one line

    /// Sets the value that `text` stands for; false, and nothing set, where it stands for none.
    /// A string list gets one more item. Null for Type::signal_rules, which has a name more.
    bool (*parse)(std::string_view text, Settings& settings);
    /// The value as TOML; nothing where the operator did not choose one.
    std::optional<std::string> (*print)(const Settings& settings);
};

/// Every key, in the order of the reference page: the keys of a section are neighbours.
std::span<const Key> keys();

/// The key with this full name, or null. No name leads to the row of [signals].
const Key* find_key(std::string_view name);

/// The sections' names in the order of the keys.
std::span<const std::string_view> sections();

std::string_view section_of(const Key& key);      // "drain"
std::string_view name_in_section(const Key& key); // "deadline"
std::string environment_name(const Key& key);     // "SLUICE_DRAIN_DEADLINE"
bool can_come_from_environment(const Key& key);   // scalars only
std::string allowed(const Key& key);              // a duration such as "8s", ...
std::string default_in_words(const Key& key);     // 9s for php-fpm and nginx, none for plain
bool same_for_all_kinds(const Default& usual);

/// What follows the value in a message: `is not a duration; write one as "8s", ...`.
std::string refusal(const Key& key);

} // namespace sluice::config
