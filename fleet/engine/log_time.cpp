#include "fleet/engine/log_time.h"

#include <optional>

#include "config/values.h"

namespace sluice::fleet {

namespace {

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t size, int last) {
    return at + size <= text.size() ? config::parse_number(text.substr(at, size), 0, last)
                                    : std::nullopt;
}

bool is_fraction(std::string_view text) {
    return text.size() > 1 && text.size() <= 10 && text.front() == '.' &&
           text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

} // namespace

std::string log_time(std::string_view text, std::chrono::seconds shift) {
    using namespace std::chrono; // NOLINT(google-build-using-namespace): years to seconds
    const auto year_number = number_at(text, 0, 4, 9'999);
    const auto month_number = number_at(text, 5, 2, 12);
    const auto day_number = number_at(text, 8, 2, 31);
    const auto hour = number_at(text, 11, 2, 23);
    const auto minute = number_at(text, 14, 2, 59);
    const auto second = number_at(text, 17, 2, 60);
    if (!year_number || !month_number || !day_number || !hour || !minute || !second) return {};
    if (text.size() < 20 || !text.ends_with('Z')) return {};
    const year_month_day date{year{*year_number}, month{static_cast<unsigned>(*month_number)},
                              day{static_cast<unsigned>(*day_number)}};
    if (!date.ok() || *year_number < 1970) return {};
    const auto moment = sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) + shift;
    const auto fraction = text.substr(19, text.size() - 20);
    return std::to_string(duration_cast<seconds>(moment.time_since_epoch()).count()) +
           (is_fraction(fraction) ? std::string(fraction) : "");
}

} // namespace sluice::fleet
