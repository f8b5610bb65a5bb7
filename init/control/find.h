#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::control {

// How a client finds the running sluice. Pure: what it goes by is looked up by the caller.

/// The address that was asked for outright: --socket, else SLUICE_CONTROL_SOCKET (the container's,
/// in `docker exec`). Empty counts as not given.
std::optional<std::string> asked_for(const std::optional<std::string>& option,
                                     const std::vector<std::string>& environment);

/// The arguments in /proc/<pid>/cmdline.
std::vector<std::string> arguments_in(std::string_view cmdline);

/// True if these arguments are a sluice's: its program is called so, or as ours is (`own_name`).
bool is_sluice(const std::vector<std::string>& arguments, std::string_view own_name);

/// The abstract names of sluices of this PID namespace that somebody listens on, PID 1's first, as
/// /proc/net/unix tells them. Anybody in the network namespace can take such a name: see to who
/// answers.
std::vector<std::string> abstract_names(std::string_view proc_net_unix, ino_t pid_namespace);

/// What to try, one after another.
struct Places {
    std::vector<std::string> addresses;
    // A sentence for when there is none, or none of them answers; empty where there is nothing more
    // to say than that.
    std::string problem;
};

/// `wanted` is what was asked for or what the configuration says (control.socket): a path, "@name",
/// "@" for an abstract one, "off"; nothing: the usual places. `listening` is what abstract_names
/// gave.
Places places(const std::optional<std::string>& wanted, const std::optional<ino_t>& pid_namespace,
              const std::vector<std::string>& listening);

} // namespace sluice::control
