#pragma once

#include <map>
#include <optional>
#include <string>

namespace tests {

/// The members of a text that is one JSON object and nothing else, by RFC 8259, strictly. A
/// string is given without its quotes and escapes, every other value as it is written. Nothing if
/// the text is no such object, or has a name twice.
std::optional<std::map<std::string, std::string>> parse_object(const std::string& text);

} // namespace tests
