#include "init/core/words.h"

#include <array>
#include <cstdio>

namespace sluice::core {

std::int64_t count_ms(std::chrono::nanoseconds duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
}

std::string in_words(std::chrono::nanoseconds duration) {
    const auto ms = count_ms(duration);
    if (ms < 1'000) return std::to_string(ms) + " ms";
    if (ms % 1'000 == 0) return std::to_string(ms / 1'000) + " s";
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f s", static_cast<double>(ms) / 1'000);
    return text.data();
}

std::string count_of(std::int64_t count, const std::string& noun) {
    return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

} // namespace sluice::core
