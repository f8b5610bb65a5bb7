#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

/// One of those that are compared: a name, the signal that stops it, and the command in front of
/// the child's. No command at all is the baseline "none".
struct Contender {
    std::string name;
    int stop_signal = 0;
    std::vector<std::string> command;
    std::vector<double> samples; // milliseconds
};

/// Reads "NAME SIGNAL [COMMAND...] , NAME SIGNAL ..."; the first is the baseline.
std::vector<Contender> parse_contenders(std::span<char*> args);

/// Forks and executes prefix + command, stdout to `out` (or /dev/null for -1), stderr to
/// /dev/null, with default signals. `before_exec`, in shared memory, gets the time of the exec.
pid_t spawn(const Contender& contender, const std::vector<std::string>& command, int out = -1,
            std::int64_t* before_exec = nullptr);

/// Waits for the end of a child of ours and gives its wait status. A contender that does not end
/// within 30 s is killed, and the program with it: nothing of such a run can be trusted.
int wait_for_end(pid_t pid, const Contender& contender);

/// CLOCK_MONOTONIC in nanoseconds: the same clock in every process.
std::int64_t now_ns();

/// A Markdown table: median, 90th percentile, distance and ratio of the medians to the first's.
void print_table(const std::vector<Contender>& contenders, const char* unit_note);

} // namespace bench
