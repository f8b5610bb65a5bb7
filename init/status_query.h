#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <vector>

#include "init/fpm/inquiry.h"

namespace sluice {

/// What the pools of both generations say; nothing of one that did not answer in time, or that
/// cannot be asked.
struct PoolStatuses {
    std::optional<std::vector<fpm::Status>> live;
    std::optional<std::vector<fpm::Status>> old;
};

/// Asks them, over connections of its own: a drain that looks at the same pools is not disturbed.
/// `told` is called once, from the loop, within 500 ms.
void ask_pools(boost::asio::io_context& loop, std::vector<fpm::StatusPage> live,
               std::vector<fpm::StatusPage> old, std::function<void(const PoolStatuses&)> told);

} // namespace sluice
