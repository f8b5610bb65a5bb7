#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace sluice::config {

enum class Type {
    duration,
    time_limit, // a duration that is not nothing
    backoff,
    limit,
    choice,
    signal,
    number,
    path, // absolute
    socket,
    name, // a string that names a thing: neither empty nor of several lines
    uri,
    method,
    text, // any string
    string_list,
    path_list,
    headers,
    signal_rules
};

/// The defaults in words; all are the same where the kind of service does not matter.
struct Default {
    std::string_view php_fpm;
    std::string_view nginx;
    std::string_view plain;
    bool is_value = false; // the text is what the operator could write in its place
};

/// Both ends belong to it.
struct Range {
    int first = 0;
    int last = 0;
};

/// All that sluice knows of one key. TOML, the environment, `sluice check --print` and the
/// reference page are made from it; a new key is a new row in keys.cpp.
struct Key {
    std::string_view name; // "drain.deadline", "reload.warmup.status"
    Type type;
    Default usual;
    std::string_view help; // one line

    /// Sets the value that `text` stands for; false, and nothing set, where it stands for none.
    /// A list gets one more item, headers one more "Name: value". The key of an array of tables
    /// belongs to the last entry. Null for Type::signal_rules, which has a name more.
    bool (*parse)(std::string_view text, Settings& settings);
    /// The value as TOML; nothing where the operator did not choose one. `entry`, from 0, is of an
    /// array of tables. What is secret comes as "...".
    std::optional<std::string> (*print)(const Settings& settings, std::size_t entry);

    std::span<const std::string_view> choices = {}; // of Type::choice
    Range range = {};                               // of Type::number
    std::string_view example = {};                  // of Type::string_list
    bool required = false;                          // in each entry
    bool secret = false;                            // no message and no page shows a value
};

/// A table of the file: [drain], or one that may be there several times, [[reload.warmup]].
struct Section {
    std::string_view name; // "drain", "reload.warmup"
    // Of an array of tables, else empty and null:
    std::string_view help; // one line
    void (*add_entry)(Settings& settings) = nullptr;
    std::size_t (*entries)(const Settings& settings) = nullptr;

    bool is_array() const { return add_entry != nullptr; }
};

/// More tables than this in an array are taken for a slip.
inline constexpr std::size_t most_entries = 100;

/// Every key, in the order of the reference page: the keys of a section are neighbours.
std::span<const Key> keys();

/// The key with this full name, or null. No name leads to the row of [signals].
const Key* find_key(std::string_view name);

/// The sections in the order of the keys.
std::span<const Section> sections();

/// The section with this name, or null.
const Section* find_section(std::string_view name);

std::string_view section_of(const Key& key);      // "drain", "reload.warmup"
std::string_view name_in_section(const Key& key); // "deadline"
std::string header_of(const Section& section);    // "[drain]", "[[reload.warmup]]"
std::string environment_name(std::string_view);   // "SLUICE_DRAIN_DEADLINE"
bool can_come_from_environment(const Key& key);   // scalars only
std::string allowed(const Key& key);              // a duration such as "8s", ...
std::string default_in_words(const Key& key);     // 9s for php-fpm and nginx, none for plain
std::string default_as_toml(const Key& key);      // where usual.is_value
bool same_for_all_kinds(const Default& usual);

/// What follows the value in a message: `is not a duration; write one as "8s", ...`.
std::string refusal(const Key& key);

} // namespace sluice::config
