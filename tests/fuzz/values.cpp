#include "config/values.h"
#include "tests/fuzz/fuzz.h"

namespace {

// What was read and is written again reads the same.
template <typename Parse>
void round_trip(std::string_view text, Parse parse) {
    const auto value = parse(text);
    if (value) expect(parse(sluice::config::text_of(*value)) == value);
}

} // namespace

void fuzz(std::string_view bytes) {
    using namespace sluice::config;
    round_trip(bytes, parse_duration);
    round_trip(bytes, parse_backoff);
    round_trip(bytes, parse_restart_limit);
}
