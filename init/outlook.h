#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "init/core/sight.h"
#include "init/fpm/inquiry.h"
#include "init/intake.h"

namespace sluice {

/// What a drain sees of one generation (core::Sight): the sockets by the kernel's word, the workers
/// by FPM's own.
class Outlook {
  public:
    Outlook(boost::asio::io_context& loop, Intake& intake, std::vector<fpm::StatusPage> pages)
        : loop_(loop), intake_(intake), inquiry_(std::in_place, loop, std::move(pages)) {}

    /// From now on the workers are asked there.
    void ask_at(std::vector<fpm::StatusPage> pages) { inquiry_.emplace(loop_, std::move(pages)); }

    /// Looks once. `seen` is called later, from the loop, unless another look() came before.
    /// `paused` are workers that are expected to stand still.
    void look(core::Which which, std::vector<pid_t> paused, std::function<void(core::Sight)> seen);

    fpm::Inquiry& inquiry() { return *inquiry_; }

  private:
    boost::asio::io_context& loop_;
    Intake& intake_;
    std::optional<fpm::Inquiry> inquiry_;
};

} // namespace sluice
