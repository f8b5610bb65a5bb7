#include <string>

#include "config/values.h"
#include "tests/fuzz/fuzz.h"

namespace {

// What was read and is written again reads the same.
template <typename Parse>
void round_trip(std::string_view text, Parse parse) {
    const auto value = parse(text);
    if (value) expect(parse(sluice::config::text_of(*value)) == value);
}

// What could end a header, or a string of C, before its end.
bool is_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

} // namespace

void fuzz(std::string_view bytes) {
    using namespace sluice::config;
    round_trip(bytes, parse_duration);
    round_trip(bytes, parse_backoff);
    round_trip(bytes, parse_restart_limit);
    if (const auto number = parse_number(bytes, 1, 1'000)) {
        expect(*number >= 1 && *number <= 1'000);
        expect(parse_number(std::to_string(*number), 1, 1'000) == number);
    }
    if (const auto header = parse_header(bytes)) {
        expect(is_token(header->first) && is_line(header->second));
        expect(header->first + ": " + header->second == bytes);
    }
    if (is_token(bytes) || is_name(bytes) || is_uri(bytes)) expect(is_line(bytes));
    if (is_absolute_path(bytes))
        expect(bytes.front() == '/' && bytes.find('\0') == std::string_view::npos);
    if (is_control_socket(bytes)) expect(!bytes.empty() && bytes.size() <= longest_socket_path);
}
