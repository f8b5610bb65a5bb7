#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>
#include <vector>

namespace sluice::os {

/// How a child is started. It gets a process group of its own, an empty signal mask and default
/// dispositions.
struct Launch {
    std::string path;                     // of the file to execute, as find_program gives it
    std::vector<std::string> command;     // its argv, argv[0] included
    std::vector<std::string> environment; // "NAME=value"
    std::string folder;                   // its working directory; empty: ours
    std::vector<int> keep;                // descriptors of ours that it inherits, same numbers
    std::optional<int> output;            // becomes its stdout and stderr; nothing: ours
    std::optional<int> error_output;      // becomes its stderr
    bool terminal = false;                // becomes the terminal's foreground process group
    bool first_victim = false;            // the OOM killer's (oom.h), it and its children
};

/// The step of a start that failed.
enum class Stage { fork, mask, process_group, folder, descriptors, execute };

struct Spawned {
    pid_t pid = -1;            // with an error: the failed child's, for the reaper, or -1
    int error = 0;             // errno, 0: the program is running
    Stage stage = Stage::fork; // with an error: where it happened
};

/// Starts a child with Boost.Process. When it returns without an error the program has been
/// executed. A file without a "#!" line that is no binary goes to /bin/sh, as in execvp(3).
/// The child is the reaper's to wait for, also after an error with a pid. Blocks only until exec.
Spawned spawn(boost::asio::io_context& loop, const Launch& launch);

/// A sentence for the operator: what could not be started, at which step, why, and what to do.
std::string describe_failure(const Spawned& failed, const std::string& path);

/// The exit status for a failed start: 126 or 127 where the command is at fault, else 125.
int exit_code_of_failure(const Spawned& failed);

} // namespace sluice::os
