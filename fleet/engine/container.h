#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sluice::fleet {

/// A running container, as the Engine lists it. Names and labels may hold any text.
struct Listed {
    std::string id;
    std::string name;
    std::map<std::string, std::string> labels;
};

/// What the Engine tells of one container.
struct Container {
    enum class Health { none, starting, healthy, unhealthy };

    std::string id;
    std::string name;
    std::vector<std::string> command; // its first process, as it was started
    std::string status;               // "running", "restarting", "exited", "paused"
    int pid = 0;                      // of its first process on the host; 0: none
    int exit_code = 0;
    std::string started_at;  // RFC 3339, the Engine's clock
    std::string finished_at; // of the run before this one, while it runs
    std::optional<std::chrono::seconds> stop_timeout;
    bool tty = false;
    // Its first process is not in a PID namespace of its own, or is the Engine's init (--init):
    // /proc/1/exe is another program.
    bool first_is_pid_1 = true;
    Health health = Health::none;
    std::vector<std::string> health_check; // its command, "CMD" first; empty: none
    std::string health_output;             // of the last time

    bool running() const { return status == "running"; }
};

/// A process of a container.
struct Process {
    int pid = 0;         // on the host
    std::string command; // its words, with blanks between them
};

} // namespace sluice::fleet
