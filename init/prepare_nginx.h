#pragma once

#include <string>
#include <vector>

#include "init/nginx/recognise.h"
#include "init/prepare.h"

namespace sluice {

/// nginx's part of prepare(): has it check its configuration, and wishes for its sockets where it
/// is certain that it will serve them.
void prepare_nginx(Prepared& result, const nginx::Service& service,
                   const std::vector<std::string>& environment, const std::string& search_path,
                   const RunCheck& run);

} // namespace sluice
