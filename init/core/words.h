#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice::core {

/// "3.2 s", "34 ms".
std::string in_words(std::chrono::nanoseconds duration);

/// "1 request", "3 requests".
std::string count_of(std::int64_t count, const std::string& noun);

std::int64_t count_ms(std::chrono::nanoseconds duration);

} // namespace sluice::core
