#include "tests/load/response.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace load {
namespace {

std::optional<std::size_t> parse_size(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    return value;
}

/// The body inside chunked framing; nothing while the last chunk is missing.
std::optional<std::string> dechunk(std::string_view raw) {
    std::string body;
    for (;;) {
        const auto line = raw.find("\r\n");
        if (line == raw.npos) return std::nullopt;
        const auto size = parse_size(raw.substr(0, line), 16);
        if (!size) return std::nullopt;
        raw.remove_prefix(line + 2);
        if (raw.size() < *size + 2) return std::nullopt;
        if (*size == 0) return body;
        body += raw.substr(0, *size);
        raw.remove_prefix(*size + 2);
    }
}

bool same_name(std::string_view found, std::string_view lower) {
    return std::equal(found.begin(), found.end(), lower.begin(), lower.end(), [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == b;
    });
}

} // namespace

void Response::append(std::string_view bytes) {
    if (protocol_ == Protocol::fastcgi)
        raw_ += records_.append(bytes);
    else
        raw_ += bytes;
    if (body_at_ == 0) read_head();
}

void Response::read_head() {
    const auto end = raw_.find("\r\n\r\n");
    if (end == std::string::npos) return;
    body_at_ = end + 4;
    if (protocol_ == Protocol::fastcgi)
        status_ = static_cast<int>(
            parse_size(header("status").value_or("200").substr(0, 3), 10).value_or(0));
    else if (raw_.starts_with("HTTP/1.") && raw_.size() > 12)
        status_ = static_cast<int>(parse_size(std::string_view(raw_).substr(9, 3), 10).value_or(0));
}

std::optional<std::string> Response::header(std::string_view name) const {
    std::string_view head = std::string_view(raw_).substr(0, body_at_);
    for (auto line_end = head.find("\r\n"); line_end != head.npos; line_end = head.find("\r\n")) {
        const std::string_view line = head.substr(0, line_end);
        head.remove_prefix(line_end + 2);
        const auto colon = line.find(':');
        if (colon == line.npos || !same_name(line.substr(0, colon), name)) continue;
        const auto value_at = line.find_first_not_of(' ', colon + 1);
        return std::string(value_at == line.npos ? "" : line.substr(value_at));
    }
    return std::nullopt;
}

bool Response::complete() const {
    if (body_at_ == 0) return false;
    if (protocol_ == Protocol::fastcgi) return records_.ended();
    if (header("transfer-encoding")) return dechunk(payload()).has_value();
    if (const auto length = header("content-length"))
        return payload().size() >= parse_size(*length, 10).value_or(std::string::npos);
    return ended_;
}

std::string Response::body() const {
    if (protocol_ == Protocol::http && header("transfer-encoding"))
        return dechunk(payload()).value_or("");
    return std::string(payload());
}

} // namespace load
