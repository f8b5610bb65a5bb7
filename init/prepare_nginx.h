#pragma once

#include <functional>
#include <string>

#include "init/nginx/recognise.h"
#include "init/os/capture.h"
#include "init/prepare.h"

namespace sluice {

/// Runs a program's check to its end; the path and the environment are the caller's to add.
using RunCheck = std::function<os::Captured(std::vector<std::string> command)>;

/// nginx's part of prepare(): has it check its configuration, and opens its sockets in its place
/// where it is certain that it will serve them.
void prepare_nginx(Prepared& result, const nginx::Service& service,
                   const std::vector<std::string>& environment, Purpose purpose,
                   const RunCheck& run);

} // namespace sluice
