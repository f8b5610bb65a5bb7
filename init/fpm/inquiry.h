#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "init/fpm/status.h"
#include "init/net/endpoint.h"

namespace sluice::fpm {

/// Where a pool tells about itself.
struct StatusPage {
    std::string pool;
    net::Endpoint at; // a pool of FPM's own, so that no worker of the users' is taken
    std::string status_path;
    std::string ping_path;
};

struct Round;

/// An answer takes 0.3 ms; FPM's first one a fork more, and on busy cores its turn. Whoever has not
/// answered by then is not counted on.
inline constexpr std::chrono::milliseconds usual_answer_limit{500};

/// Asks FPM's pools for their status, over a connection to each that stays open until close().
/// Nothing here blocks.
class Inquiry {
  public:
    Inquiry(boost::asio::io_context& loop, std::vector<StatusPage> pages);
    ~Inquiry();
    Inquiry(const Inquiry&) = delete;
    Inquiry& operator=(const Inquiry&) = delete;

    bool can_ask() const { return !channels_.empty(); }

    using Answer = std::function<void(std::optional<std::vector<Status>>)>;

    /// Asks all pools. Gives every pool's status, or nothing if one did not answer within `limit`;
    /// one that did not is asked over a new connection the next time. A further call takes the
    /// place of the one before, whose answer then never comes.
    void ask(std::chrono::milliseconds limit, Answer answer);

    /// Calls `answered` once every pool has answered its ping, however long that takes.
    void ping(const std::function<void()>& answered);

    /// Closes the connections, and nothing is answered any more.
    void close();

  private:
    class Channel;

    void begin_round();
    void forget_round();
    void finish();
    void ping_again(const std::function<void()>& answered);

    boost::asio::io_context& loop_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::shared_ptr<Round> round_;
};

} // namespace sluice::fpm
