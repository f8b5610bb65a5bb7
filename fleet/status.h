#pragma once

#include <boost/asio/io_context.hpp>
#include <vector>

#include "fleet/engine/container.h"
#include "fleet/engine/engine.h"
#include "fleet/show/node.h"

namespace sluice::fleet {

/// Asks each container's sluice for its status, some at a time. Runs the loop. In the order given.
std::vector<NodeRow> ask_node(boost::asio::io_context& loop, Engine& engine,
                              const std::vector<Container>& containers,
                              std::chrono::milliseconds limit);

} // namespace sluice::fleet
