#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace sluice::fleet {

/// "2026-11-23T22:58:42.209404788Z", later by `shift`, as the seconds since 1970 that a log's times
/// are asked for in: "1795474722.209404788". Empty for what is no such time, or before 1970.
std::string log_time(std::string_view rfc3339, std::chrono::seconds shift);

} // namespace sluice::fleet
