#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/keys.h"
#include "config/quote.h"
#include "config/values.h"
#include "signals/names.h"

namespace sluice::config {

/// How each type of value is read and written, and the rows that are made of that. For keys.cpp.
/// read() gives nothing where the text stands for no value; write() gives TOML.

struct DurationText {
    static auto read(std::string_view text) { return parse_duration(text); }

    static auto write(Duration value) { return toml_string(text_of(value)); }
};

struct TimeLimitText : DurationText {
    static std::optional<Duration> read(std::string_view text) {
        const auto value = parse_duration(text);
        return value == Duration::zero() ? std::nullopt : value;
    }
};

struct BackoffText {
    static auto read(std::string_view text) { return parse_backoff(text); }

    static auto write(const Backoff& value) { return toml_string(text_of(value)); }
};

struct LimitText {
    static auto read(std::string_view text) { return parse_restart_limit(text); }

    static auto write(const RestartLimit& value) { return toml_string(text_of(value)); }
};

struct SignalText {
    static auto read(std::string_view text) { return signals::number_of(text); }

    static auto write(int value) { return toml_string(signals::name_of(value)); }
};

template <const Range& range>
struct NumberText {
    static auto read(std::string_view text) { return parse_number(text, range.first, range.last); }

    static auto write(int value) { return std::to_string(value); }
};

// The names stand in the order of the enumerators, from 0; a test goes through all of them.
template <class Enum, const auto& names>
struct ChoiceText {
    static std::optional<Enum> read(std::string_view text) {
        const auto* const found = std::ranges::find(names, text);
        if (found == names.end()) return {};
        return static_cast<Enum>(found - names.begin());
    }

    static std::string write(Enum value) {
        return toml_string(names.at(static_cast<std::size_t>(value)));
    }
};

/// Any text of which `holds` is true.
template <auto holds>
struct TextThat {
    static std::optional<std::string> read(std::string_view text) {
        return holds(text) ? std::optional<std::string>(text) : std::nullopt;
    }

    static std::string write(const std::string& value) { return toml_string(value); }
};

inline bool is_any(std::string_view /*text*/) {
    return true;
}

using PathText = TextThat<is_absolute_path>;
using SocketText = TextThat<is_control_socket>;
using NameText = TextThat<is_name>;
using UriText = TextThat<is_uri>;
using MethodText = TextThat<is_token>;
using AnyText = TextThat<is_any>;

struct SecretText : AnyText {
    static std::string write(const std::string& /*value*/) { return toml_string("..."); }
};

// Of lists and headers read() gives one item and write() writes all.
template <class Item>
struct ListText : Item {
    static std::string write(const std::vector<std::string>& values) {
        std::string list;
        for (const auto& value : values) list += (list.empty() ? "[" : ", ") + Item::write(value);
        return list + "]";
    }
};

struct HeadersText {
    static auto read(std::string_view text) { return parse_header(text); }

    static std::string write(const std::vector<Header>& values) {
        std::string table;
        for (const auto& [name, value] : values)
            table +=
                (table.empty() ? "{ " : ", ") + toml_string(name) + " = " + SecretText::write({});
        return table + " }";
    }
};

// What is not written: an optional without a value, an empty text or list.
template <class T>
const T* pointer_to(const T& value) {
    return &value;
}

template <class T>
const T* pointer_to(const std::optional<T>& value) {
    return value ? &*value : nullptr;
}

inline const std::string* pointer_to(const std::string& value) {
    return value.empty() ? nullptr : &value;
}

template <class T>
const std::vector<T>* pointer_to(const std::vector<T>& value) {
    return value.empty() ? nullptr : &value;
}

template <class T>
void put(T& field, const T& value) {
    field = value;
}

template <class T>
void put(std::optional<T>& field, const T& value) {
    field = value;
}

template <class T>
void put(std::vector<T>& field, const T& value) {
    field.push_back(value);
}

template <class Text, class Field>
bool read_into(Field& field, std::string_view text) {
    const auto value = Text::read(text);
    if (value) put(field, *value);
    return value.has_value();
}

template <class Text, class Field>
std::optional<std::string> written(const Field& field) {
    const auto* const value = pointer_to(field);
    if (value == nullptr) return {};
    return Text::write(*value);
}

/// The field that these pointers to members lead to, one after another.
template <class Text, auto... steps>
constexpr Key row(std::string_view name, Type type, Default usual, std::string_view help) {
    constexpr auto parse = [](std::string_view text, Settings& settings) {
        return read_into<Text>((settings.*....*steps), text);
    };
    constexpr auto print = [](const Settings& settings, std::size_t /*entry*/) {
        return written<Text>((settings.*....*steps));
    };
    return Key{name, type, usual, help, parse, print};
}

/// The same in an entry of the list of tables that `list` gives of the settings.
template <class Text, auto list, auto field>
constexpr Key row_in_entry(std::string_view name, Type type, Default usual, std::string_view help) {
    constexpr auto parse = [](std::string_view text, Settings& settings) {
        return read_into<Text>(list(settings).back().*field, text);
    };
    constexpr auto print = [](const Settings& settings, std::size_t entry) {
        return written<Text>(list(settings).at(entry).*field);
    };
    return Key{name, type, usual, help, parse, print};
}

constexpr Key with_choices(Key key, std::span<const std::string_view> choices) {
    key.choices = choices;
    return key;
}

constexpr Key with_range(Key key, Range range) {
    key.range = range;
    return key;
}

constexpr Key with_example(Key key, std::string_view example) {
    key.example = example;
    return key;
}

constexpr Key required(Key key) {
    key.required = true;
    return key;
}

constexpr Key secret(Key key) {
    key.secret = true;
    return key;
}

} // namespace sluice::config
