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

struct Member;

struct Value {
    enum class Type { string, integer, floating, boolean, date, array, table };

    Type type = Type::table;
    std::string text;            // a string's content; of other scalars what the operator wrote
    std::int64_t number = 0;     // an integer's
    std::vector<Value> items;    // an array's, up to the first that is neither string nor table
    std::vector<Member> members; // a table's, in the order of the file
    Position position;
};

/// One key of a table with its value.
struct Member {
    std::string name;
    Position position; // of the name; a table has that of its header
    Value value;
};

/// The members of the file's root. A table has its members where a key of ours can be that deep.
using Document = std::vector<Member>;

/// The value for a message: `"8"`, `8 (an integer)`, `an array`.
std::string description(const Value& value);

/// `an integer`: for a value that no message may show.
std::string type_name(const Value& value);

} // namespace sluice::config
