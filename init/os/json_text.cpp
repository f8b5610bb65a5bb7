#include "init/os/json_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace sluice::os {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

std::string escaped(char c, const char* format) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(c) & 0xFFU);
    return text.data();
}

// The length of the UTF-8 sequence at the start of `text`, 0 if there is no valid one.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto first = byte(0);
    std::size_t length = 0;
    unsigned lowest = 0x80; // of the second byte: overlong forms and surrogates are invalid
    unsigned highest = 0xBF;
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) length = 2;
    if (first >= 0xE0 && first <= 0xEF) length = 3;
    if (first >= 0xF0 && first <= 0xF4) length = 4;
    if (length == 0 || text.size() < length) return 0;
    if (first == 0xE0) lowest = 0xA0;
    if (first == 0xED) highest = 0x9F;
    if (first == 0xF0) lowest = 0x90;
    if (first == 0xF4) highest = 0x8F;
    if (byte(1) < lowest || byte(1) > highest) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if (byte(i) < 0x80 || byte(i) > 0xBF) return 0;
    }
    return length;
}

// What a terminal obeys, or what makes it show a line in another order than it is: U+0080 to U+009F
// (controls in two bytes), the directions of writing (U+061C, U+200E, U+200F, U+202A to U+202E,
// U+2066 to U+2069) and line ends (U+2028, U+2029). `sequence` is one valid UTF-8 sequence.
unsigned deceptive(std::string_view sequence) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
    unsigned code = 0;
    if (sequence.size() == 2) code = (byte(0) & 0x1FU) << 6U | (byte(1) & 0x3FU);
    if (sequence.size() == 3) {
        code = (byte(0) & 0x0FU) << 12U | (byte(1) & 0x3FU) << 6U | (byte(2) & 0x3FU);
    }
    const auto within = [&](unsigned from, unsigned to) { return code >= from && code <= to; };
    const bool is = within(0x80, 0x9F) || code == 0x61C || within(0x200E, 0x200F) ||
                    within(0x2028, 0x202E) || within(0x2066, 0x2069);
    return is ? code : 0;
}

std::string escaped_code(unsigned code) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), "\\u%04x", code);
    return text.data();
}

} // namespace

std::string json_string(std::string_view text) {
    std::string json = "\"";
    while (!text.empty()) {
        const char c = text.front();
        auto length = sequence_length(text);
        if (length == 0) {
            json += replacement;
            length = 1;
        } else if (c == '"' || c == '\\') {
            json += {'\\', c};
        } else if (is_control(c)) {
            json += escaped(c, "\\u%04x");
        } else if (const auto code = deceptive(text.substr(0, length))) {
            json += escaped_code(code);
        } else {
            json += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return json + "\"";
}

std::string json_value(const std::variant<std::string, std::int64_t>& value) {
    if (const auto* const text = std::get_if<std::string>(&value)) return json_string(*text);
    return std::to_string(std::get<std::int64_t>(value));
}

std::string one_line(std::string_view text) {
    std::string line;
    line.reserve(text.size());
    while (!text.empty()) {
        const char c = text.front();
        // Bytes that are no UTF-8 stay as they are: a path in another encoding is still a path.
        const auto length = std::max<std::size_t>(sequence_length(text), 1);
        if (c == '\n') {
            line += "\\n";
        } else if (is_control(c)) {
            line += escaped(c, "\\x%02x");
        } else if (const auto code = deceptive(text.substr(0, length))) {
            line += escaped_code(code);
        } else {
            line += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return line;
}

} // namespace sluice::os
