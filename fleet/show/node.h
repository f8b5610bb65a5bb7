#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/core/report.h"

namespace sluice::fleet {

/// What one container said to `sluice status --json`.
struct NodeRow {
    std::string name;
    std::optional<core::Report> report;
    std::string trouble; // why there is no report
};

/// The table of the node.
std::string node_text(const std::vector<NodeRow>& rows);

/// {"containers":[{"container":"web-1","status":{...}},{"container":"web-2","error":"..."}]}.
std::string node_json(const std::vector<NodeRow>& rows);

} // namespace sluice::fleet
