#include "tests/load/fastcgi.h"

#include <algorithm>

namespace load::fastcgi {
namespace {

enum Type : unsigned char { begin_request = 1, end_request = 3, params = 4, in = 5, out = 6 };

constexpr std::size_t header_size = 8;
constexpr std::size_t content_limit = 65535;

char byte(std::size_t value) {
    return static_cast<char>(value & 0xffU);
}

std::string record(Type type, std::string_view content) {
    // Version, type, request id 1, length, no padding.
    const char header[header_size] = {
        1, static_cast<char>(type), 0, 1, byte(content.size() >> 8U), byte(content.size()), 0, 0};
    return std::string(header, sizeof header) + std::string(content);
}

/// A stream is records with content, then one without.
std::string stream(Type type, std::string_view content) {
    std::string text;
    while (!content.empty()) {
        const auto part = content.substr(0, content_limit);
        text += record(type, part);
        content.remove_prefix(part.size());
    }
    return text + record(type, "");
}

std::string length(std::size_t size) {
    if (size < 128) return {byte(size)};
    return {byte((size >> 24U) | 0x80U), byte(size >> 16U), byte(size >> 8U), byte(size)};
}

} // namespace

std::string request(const Params& pairs, std::string_view body, bool keep_connection) {
    std::string content;
    for (const auto& [name, value] : pairs)
        content.append(length(name.size())).append(length(value.size())).append(name).append(value);
    const char responder[8] = {0, 1, byte(keep_connection ? 1 : 0), 0, 0, 0, 0, 0};
    return record(begin_request, {responder, sizeof responder}) + stream(params, content) +
           stream(in, body);
}

std::string Records::append(std::string_view bytes) {
    unread_ += bytes;
    std::string text;
    while (!ended_ && !broken_ && unread_.size() >= header_size) {
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(unread_[i]); };
        const std::size_t content = std::size_t{at(4)} * 256 + at(5);
        const std::size_t whole = header_size + content + at(6);
        broken_ = at(0) != 1;
        if (broken_ || unread_.size() < whole) break;
        if (at(1) == out) text += unread_.substr(header_size, content);
        // The fifth byte of its content is the protocol's own status; 0: the request is complete.
        ended_ = at(1) == end_request && content >= 5 && at(header_size + 4) == 0;
        broken_ = at(1) == end_request && !ended_;
        unread_.erase(0, whole);
    }
    return text;
}

} // namespace load::fastcgi
