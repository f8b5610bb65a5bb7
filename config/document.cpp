#include "config/document.h"

#include "config/quote.h"

namespace sluice::config {

std::string description(const Value& value) {
    if (value.type == Value::Type::string) return quoted(value.text);
    const auto name = type_name(value);
    return value.text.empty() ? name : shown(value.text) + " (" + name + ")";
}

std::string type_name(const Value& value) {
    switch (value.type) {
    case Value::Type::string: return "a string";
    case Value::Type::integer: return "an integer";
    case Value::Type::floating: return "a floating-point number";
    case Value::Type::boolean: return "a boolean";
    case Value::Type::date: return "a date or time";
    case Value::Type::array: return "an array";
    case Value::Type::table: return "a table";
    }
    return "a value";
}

} // namespace sluice::config
