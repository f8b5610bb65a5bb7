#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "init/fpm/needs.h"
#include "init/fpm/proof.h"
#include "init/net/address.h"
#include "tests/integration/temp_folder.h"

namespace tests {

/// How the pool "www" of a real PHP-FPM is configured.
struct FpmPool {
    std::string pm = "static"; // with the lines that belong to it
    int max_children = 4;
    std::string allowed_clients = {};
    std::string lines = {}; // more of [www]
};

/// A real php-fpm8.2 on a listener that it gets as sluice passes it, with a wrapper config as
/// sluice writes it. Its workers are uid 33 where the test is root. Ended with the object.
class FpmGeneration {
  public:
    FpmGeneration(const TempFolder& folder, const FpmPool& pool, const sluice::net::Wanted& wanted,
                  const sluice::net::Listener& listener, const sluice::fpm::Needs& needs);
    ~FpmGeneration();
    FpmGeneration(const FpmGeneration&) = delete;
    FpmGeneration& operator=(const FpmGeneration&) = delete;

    /// For the prover; `address` has this generation as next().
    sluice::fpm::Entrance entrance(const sluice::net::Address& address) const;

    int workers() const;

  private:
    pid_t master_ = -1;
    sluice::fpm::Entrance entrance_of(const sluice::net::WayIn& way_in) const;
    std::string ping_path_;
};

/// Runs the loop until the condition holds; false: it does not, within the wide bound.
bool run_until(boost::asio::io_context& loop, const std::function<bool()>& condition);

/// What a script answers over this connection.
std::string body_of(boost::asio::io_context& loop, sluice::net::OwnConnection connection,
                    const std::string& script);

/// The same for a user.
std::string body_of(boost::asio::io_context& loop, const sluice::net::Endpoint& endpoint,
                    const std::string& script);

} // namespace tests
