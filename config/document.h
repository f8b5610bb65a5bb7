#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::config {

/// A TOML file as plain data, so that one file only knows the TOML library.

struct Position {
    std::uint32_t line = 0;
    std::uint32_t column = 0; // in characters, from 1

    auto operator<=>(const Position&) const = default;
};

struct Value {
    enum class Type { string, integer, floating, boolean, date, array, table };

    Type type = Type::table;
    std::string text;         // a string's content; of other scalars what the operator wrote
    std::vector<Value> items; // an array's, up to the first that is no string
    Position position;
};

/// One key with its value. The entries of a section follow the section's own, whose value is a
/// table; what is deeper than that has no entries.
struct Entry {
    std::string section; // empty: at the top of the file
    std::string name;
    Position position;
    Value value;
};

using Document = std::vector<Entry>;

} // namespace sluice::config
