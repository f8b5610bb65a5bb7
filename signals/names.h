#pragma once

#include <array>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::signals {

/// The number of a signal written by an operator: "TERM", "SIGTERM", "term", "15", "RTMIN+3",
/// "RTMAX-1". Nothing where it is no signal of this system. SIGRTMIN is the C library's, so the
/// two that it keeps for itself (32 and 33 with glibc) have no name and no number here.
std::optional<int> number_of(std::string_view text);

/// The name without "SIG": 15 -> "TERM", 37 -> "RTMIN+3" (real-time signals count from RTMIN).
/// A number that is no signal comes back as its digits.
std::string name_of(int number);

/// The signals that the kernel raises for a fault in the process itself. They are never blocked
/// and never forwarded.
inline constexpr std::array faults{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
bool is_fault(int number);

/// Every signal that a program can be sent and can catch, in ascending order: all but KILL,
/// STOP, the C library's own two, and the faults.
const std::vector<int>& catchable();

} // namespace sluice::signals
