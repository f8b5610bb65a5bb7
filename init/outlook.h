#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "init/core/sight.h"
#include "init/fpm/inquiry.h"
#include "init/open_sockets.h"

namespace sluice {

/// What a drain sees (core::Sight): the sockets by the kernel's word, the workers by FPM's own.
class Outlook {
  public:
    Outlook(boost::asio::io_context& loop, OpenSockets& sockets)
        : loop_(loop), sockets_(sockets), inquiry_(std::in_place, loop, sockets.pages()) {}

    /// The status sockets have been renewed: what is asked from now on, is asked there.
    void renew() { inquiry_.emplace(loop_, sockets_.pages()); }

    /// Looks once. `seen` is called later, from the loop, unless another look() came before.
    /// `paused` are workers that are expected to stand still.
    void look(std::vector<pid_t> paused, std::function<void(core::Sight)> seen);

    fpm::Inquiry& inquiry() { return *inquiry_; }

  private:
    boost::asio::io_context& loop_;
    OpenSockets& sockets_;
    std::optional<fpm::Inquiry> inquiry_;
};

} // namespace sluice
