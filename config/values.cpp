#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <system_error>

#include "config/quote.h"

namespace sluice::config {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};

// From the largest to the smallest, the order in which text_of tries them.
constexpr std::array units{
    Unit{"h", 3'600'000},
    Unit{"m", 60'000},
    Unit{"s", 1'000},
    Unit{"ms", 1},
};

constexpr std::uint64_t most_deaths = 1'000;

struct Counted {
    std::uint64_t count;
    std::string_view rest; // what follows the digits
};

// Unsigned, so that from_chars refuses a sign.
std::optional<Counted> parse_count(std::string_view text) {
    std::uint64_t count = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, count);
    if (error != std::errc{}) return {};
    return Counted{count, text.substr(static_cast<std::size_t>(end - text.data()))};
}

bool is_control(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
}

// RFC 9110, 5.6.2.
bool is_token_letter(char c) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || marks.find(c) != std::string_view::npos;
}

} // namespace

std::optional<Duration> parse_duration(std::string_view text) {
    const auto counted = parse_count(text);
    if (!counted) return {};
    for (const auto& unit : units) {
        if (counted->rest != unit.name) continue;
        const auto most = longest_duration.count() / unit.milliseconds;
        if (counted->count > static_cast<std::uint64_t>(most)) return {};
        return Duration{static_cast<std::int64_t>(counted->count) * unit.milliseconds};
    }
    return {};
}

std::optional<Backoff> parse_backoff(std::string_view text) {
    constexpr std::string_view dots = "..";
    const auto at = text.find(dots);
    if (at == std::string_view::npos) return {};
    const auto first = parse_duration(text.substr(0, at));
    const auto longest = parse_duration(text.substr(at + dots.size()));
    // No pause at all would let a service that cannot start take a whole processor.
    if (!first || !longest || *first < Duration{1} || *longest < *first) return {};
    return Backoff{*first, *longest};
}

std::optional<RestartLimit> parse_restart_limit(std::string_view text) {
    constexpr std::string_view in = " in ";
    const auto counted = parse_count(text);
    if (!counted || counted->count < 1 || counted->count > most_deaths) return {};
    if (!counted->rest.starts_with(in)) return {};
    const auto window = parse_duration(counted->rest.substr(in.size()));
    if (!window || *window < std::chrono::seconds{1}) return {};
    return RestartLimit{static_cast<int>(counted->count), *window};
}

std::optional<int> parse_number(std::string_view text, int first, int last) {
    const auto counted = parse_count(text);
    if (!counted || !counted->rest.empty()) return {};
    if (counted->count > static_cast<std::uint64_t>(last)) return {};
    const auto number = static_cast<int>(counted->count);
    return number < first ? std::nullopt : std::optional(number);
}

std::optional<Header> parse_header(std::string_view text) {
    constexpr std::string_view colon = ": ";
    const auto at = text.find(colon);
    if (at == std::string_view::npos) return {};
    const auto value = text.substr(at + colon.size());
    constexpr std::string_view forbidden("\r\n\0", 3);
    if (!is_token(text.substr(0, at)) || value.find_first_of(forbidden) != value.npos) return {};
    return Header{text.substr(0, at), value};
}

bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, is_token_letter);
}

bool is_uri(std::string_view text) {
    return text.starts_with('/') &&
           std::ranges::none_of(text, [](char c) { return c == ' ' || is_control(c); });
}

bool is_absolute_path(std::string_view text) {
    return text.starts_with('/') && text.find('\0') == std::string_view::npos && is_utf8(text);
}

bool is_control_socket(std::string_view text) {
    if (text == "@" || text == "off") return true;
    return is_absolute_path(text) && text.size() <= longest_socket_path;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::none_of(text, is_control);
}

std::string text_of(Duration duration) {
    if (duration == Duration::zero()) return "0s";
    for (const auto& unit : units)
        if (duration.count() % unit.milliseconds == 0)
            return std::to_string(duration.count() / unit.milliseconds) + std::string(unit.name);
    return {}; // not reached: every duration is a multiple of the last unit
}

std::string text_of(const Backoff& backoff) {
    return text_of(backoff.first) + ".." + text_of(backoff.longest);
}

std::string text_of(const RestartLimit& limit) {
    return std::to_string(limit.count) + " in " + text_of(limit.window);
}

} // namespace sluice::config
