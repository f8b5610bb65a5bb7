#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "init/fpm/head_start.h"
#include "init/fpm/proof.h"
#include "init/fpm/warmup.h"
#include "init/generation.h"

namespace sluice {

/// What a next generation goes through before users get to it: its ping in every pool, the
/// requests of reload.warmup, and as many workers as the one before has. With this object what is
/// under way is closed, and nothing is told any more.
class Trial {
  public:
    /// The generation's listeners have joined those of the live one.
    Trial(boost::asio::io_context& loop, const Generation& generation, Intake& intake);

    /// False: it shares the live one's listeners, and cannot be reached alone.
    bool possible() const { return possible_; }

    /// Calls `answered` once every pool has answered, however long that takes.
    void prove(std::function<void()> answered);

    /// What has not answered yet, and what came instead.
    std::string missing() const;

    /// Calls `done` with nothing, or with a sentence about what went wrong.
    void warm_up(const std::vector<config::Warmup>& entries,
                 std::function<void(const std::optional<std::string>&)> done);

  private:
    void next_head_start();

    boost::asio::io_context& loop_;
    bool possible_ = true;
    std::vector<fpm::Entrance> entrances_;
    std::map<std::string, int> wanted_; // pool -> workers, that are still to be started
    std::function<void(const std::optional<std::string>&)> done_;
    std::optional<fpm::Proof> proof_;
    std::optional<fpm::HeadStart> head_start_;
    std::optional<fpm::WarmUp> warm_up_;
};

} // namespace sluice
