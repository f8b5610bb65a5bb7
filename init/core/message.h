#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings.h"

namespace sluice::core {

using Level = config::LogLevel;

/// A machine-readable part of a log line; in JSON it becomes a member of the object.
struct Field {
    std::string_view key; // a literal
    std::variant<std::string, std::int64_t> value;

    Field(std::string_view k, std::string text) : key(k), value(std::move(text)) {}

    Field(std::string_view k, std::string_view text) : key(k), value(std::string(text)) {}

    Field(std::string_view k, const char* text) : key(k), value(std::string(text)) {}

    Field(std::string_view k, std::int64_t number) : key(k), value(number) {}

    Field(std::string_view k, int number) : key(k), value(std::int64_t{number}) {}

    bool operator==(const Field&) const = default;
};

using Fields = std::vector<Field>;

/// One line for the log: a sentence that says everything, and its parts again as fields.
struct Message {
    Level level = Level::info;
    std::string text;
    Fields fields;

    bool operator==(const Message&) const = default;
};

} // namespace sluice::core
