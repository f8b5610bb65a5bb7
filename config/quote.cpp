#include "config/quote.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sluice::config {

namespace {

constexpr std::size_t longest_shown = 60;

unsigned byte_at(std::string_view text, std::size_t at) {
    return static_cast<unsigned char>(text[at]);
}

std::size_t expected_length(unsigned first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if (first >= 0xE0 && first <= 0xEF) return 3;
    if (first >= 0xF0 && first <= 0xF4) return 4;
    return 0;
}

// The length of the UTF-8 sequence at the text's beginning; 0 where there is none.
std::size_t sequence_length(std::string_view text) {
    const auto length = expected_length(byte_at(text, 0));
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t at = 1; at < length; ++at)
        if ((byte_at(text, at) & 0xC0U) != 0x80) return 0;
    if (length < 3) return length;
    const auto first = byte_at(text, 0);
    const auto second = byte_at(text, 1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F;
    const bool too_high = first == 0xF4 && second > 0x8F;
    return overlong || surrogate || too_high ? 0 : length;
}

void append_hex(std::string& out, std::string_view prefix, unsigned value) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    out += prefix;
    out += digits[(value >> 4U) & 0xFU];
    out += digits[value & 0xFU];
}

void append_ascii(std::string& out, char c) {
    switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    default: break;
    }
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F)
        append_hex(out, "\\u00", byte);
    else
        out += c;
}

// A cut must not fall into a sequence: its first half would be shown as bytes that are no UTF-8.
std::string_view cut(std::string_view text) {
    if (text.size() <= longest_shown) return text;
    auto length = longest_shown;
    while (length > longest_shown - 4 && (byte_at(text, length) & 0xC0U) == 0x80) --length;
    return text.substr(0, length);
}

} // namespace

std::string escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto length = sequence_length(text);
        // U+0080 to U+009F are control characters, which some terminals obey.
        const bool control = length == 2 && byte_at(text, 0) == 0xC2 && byte_at(text, 1) < 0xA0;
        if (length == 0)
            append_hex(out, "\\x", byte_at(text, 0));
        else if (control)
            append_hex(out, "\\u00", byte_at(text, 1));
        else if (length == 1)
            append_ascii(out, text.front());
        else
            out += text.substr(0, length);
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

std::string shown(std::string_view text) {
    const auto head = cut(text);
    return head.size() == text.size() ? escaped(text) : escaped(head) + "...";
}

std::string quoted(std::string_view text) {
    auto out = '"' + shown(text) + '"';
    if (text.size() > longest_shown) out += " (" + std::to_string(text.size()) + " bytes)";
    return out;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto length = sequence_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

std::string toml_string(std::string_view text) {
    return '"' + escaped(text) + '"';
}

} // namespace sluice::config
