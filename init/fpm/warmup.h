#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "init/fpm/proof.h"

namespace sluice::fpm {

/// The requests of [[reload.warmup]], sent to a generation before its first user: entry after
/// entry, in the order of the file, each request over a connection of its own, `concurrency` of an
/// entry's at a time (64 at most, as many as a way in has). One request that is not answered as its
/// entry expects ends it.
///
/// Of each reply that is under way at most 1 MiB of the page and 1 MiB of PHP's errors is in
/// memory.
class WarmUp {
  public:
    /// Nothing: all was answered as expected. Else one sentence for the operator: the entry, the
    /// number of the request, what was expected, what came and what to do.
    using Done = std::function<void(const std::optional<std::string>&)>;

    /// One entrance for each pool.
    WarmUp(boost::asio::io_context& loop, std::vector<config::Warmup> entries,
           std::vector<Entrance> entrances);
    /// At any moment: what is under way is closed, and nothing is told any more.
    ~WarmUp();
    WarmUp(const WarmUp&) = delete;
    WarmUp& operator=(const WarmUp&) = delete;

    /// Calls `done` once, never within this call. To be called once.
    void start(Done done);

  private:
    class Request;

    const Entrance* entrance_of(const config::Warmup& entry) const;
    void next_entry();
    void fill();
    void answered(Request& request, const std::optional<std::string>& complaint);
    void finish(const std::optional<std::string>& why);

    boost::asio::io_context& loop_;
    std::vector<config::Warmup> entries_;
    std::vector<Entrance> entrances_;
    Alarm begin_;
    std::size_t current_ = 0; // entry
    int begun_ = 0;           // of its requests
    std::vector<std::unique_ptr<Request>> under_way_;
    Done done_;
};

} // namespace sluice::fpm
