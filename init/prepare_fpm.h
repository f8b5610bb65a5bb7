#pragma once

#include <optional>
#include <string>
#include <vector>

#include "init/prepare.h"

namespace sluice {

/// FPM's part of prepare(): has it check its configuration and tell what it understood of it, and
/// makes the first generation of that. `release` is reload.release.
void prepare_fpm(Prepared& result, fpm::Service service,
                 const std::vector<std::string>& environment, const std::string& search_path,
                 const std::optional<std::string>& release, Purpose purpose, const RunCheck& run);

/// The same where the operator says that the command is FPM's and it cannot be seen in it: FPM is
/// somewhere behind another program, which may change much. What it would listen on is asked as if
/// it were started here, and only its sockets are passed on.
void prepare_unseen_fpm(Prepared& result, const std::vector<std::string>& command,
                        const std::vector<std::string>& environment, const std::string& search_path,
                        Purpose purpose, const RunCheck& run);

} // namespace sluice
