#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/engine/container.h"

namespace sluice::fleet {

// What the Engine answers, read from its JSON. Nothing for what is not as its API says; members
// that are of no use here may be anything.

/// GET /containers/json.
std::optional<std::vector<Listed>> parse_list(std::string_view json);

/// GET /containers/ID/json.
std::optional<Container> parse_container(std::string_view json);

/// GET /containers/ID/top with "ps_args=-o pid,args".
std::optional<std::vector<Process>> parse_top(std::string_view json);

/// POST /containers/ID/exec: the new exec's id.
std::optional<std::string> parse_exec_id(std::string_view json);

struct ExecState {
    bool running = false;
    std::optional<int> exit_code; // not known: the process did not come to its end
};

/// GET /exec/ID/json.
std::optional<ExecState> parse_exec(std::string_view json);

/// The sentence in an answer that is an error; empty where there is none.
std::string error_message(std::string_view json);

/// The body of POST /containers/ID/exec for a command with both outputs attached.
std::string exec_body(const std::vector<std::string>& words);

} // namespace sluice::fleet
