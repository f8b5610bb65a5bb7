#include "fleet/closing.h"

#include <array>
#include <boost/json/parse.hpp>
#include <charconv>

namespace sluice::fleet {

namespace {

namespace json = boost::json;

constexpr std::int64_t most = 1'000'000'000; // more is no count of ours

std::int64_t bounded(std::int64_t count) {
    return count >= 0 && count <= most ? count : 0;
}

// The number before " requests cut" and the like: "..., 3 requests cut, ...".
std::int64_t number_before(std::string_view text, std::string_view noun) {
    const auto at = text.find(noun);
    if (at == std::string_view::npos) return 0;
    auto begin = at;
    while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
    std::int64_t number = 0;
    std::from_chars(text.data() + begin, text.data() + at, number);
    return bounded(number);
}

// "2026-11-23T22:58:42.209Z sluice info: stopped in 12 ms: finished, 3 finished, 0 requests cut".
std::optional<Closing> from_text(std::string_view line) {
    constexpr std::array<std::string_view, 2> begins{" sluice info: stopped in ",
                                                     " sluice warning: stopped in "};
    const auto blank = line.find(' ');
    if (blank == std::string_view::npos) return {};
    const auto rest = line.substr(blank);
    if (!rest.starts_with(begins[0]) && !rest.starts_with(begins[1])) return {};
    const auto either = [&](std::string_view one, std::string_view several) {
        const auto count = number_before(rest, several);
        return count > 0 ? count : number_before(rest, one);
    };
    return Closing{.cut = either(" request cut", " requests cut") +
                          either(" connection cut", " connections cut"),
                   .lost = either(" connection lost", " connections lost")};
}

std::int64_t number_in(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    const auto* const number = value != nullptr ? value->if_int64() : nullptr;
    return number != nullptr ? bounded(*number) : 0;
}

std::optional<Closing> from_json(std::string_view line) {
    if (line.find("\"stopped\"") == std::string_view::npos) return {};
    json::error_code error;
    const auto value = json::parse(line, error);
    const auto* const object = error ? nullptr : value.if_object();
    const auto* const event = object != nullptr ? object->if_contains("event") : nullptr;
    if (event == nullptr || !event->is_string() || event->as_string() != "stopped") return {};
    if (!object->contains("took_ms")) return {}; // stopped before the service was started
    return Closing{.cut = number_in(*object, "cut"), .lost = number_in(*object, "lost")};
}

} // namespace

std::optional<Closing> find_closing(std::string_view log) {
    while (!log.empty()) {
        const auto newline = log.rfind('\n');
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        auto line = log.substr(begin);
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto closing = line.starts_with('{') ? from_json(line) : from_text(line);
        if (closing) return closing;
        log = log.substr(0, newline == std::string_view::npos ? 0 : newline);
    }
    return {};
}

} // namespace sluice::fleet
