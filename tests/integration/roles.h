#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tests {

/// This binary as the child that a test needs: `integration_tests --role=NAME WORD...`.
///
///   record [LABEL]         takes every signal and prints "LABEL signal N value V"; TERM ends it
///                          with status 0; says "ready" first
///   stubborn               ignores every signal; says "ready"
///   family                 `record child` with a `record grandchild` in the same process group
///   leave WHAT [session]   exits with 3 and leaves a grandchild behind, `record` or `stubborn`,
///                          in a session of its own if asked
///   descriptors            prints the numbers of its open descriptors on one line
///   fill                   fills stderr, a pipe that nobody reads, then is `record`
///   storm PID COUNT        sends COUNT signals of all kinds that `storm_signals` names
///   wait-then-exit N       prints "ready", exits with N at the first signal
int play(std::string_view name, const std::vector<std::string>& words);

/// Those of the signal storm: every catchable one that ends neither `record` nor sluice.
std::vector<int> storm_signals();

/// The signals that a program can be sent and can catch, faults excepted.
std::vector<int> catchable_signals();

} // namespace tests
