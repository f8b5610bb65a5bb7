#pragma once

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "init/fpm/reply.h"
#include "init/net/endpoint.h"
#include "init/net/way_in.h"

namespace sluice::fpm {

/// One connection to FPM, and one request at a time on it. Keeps itself alive while an operation of
/// it is under way, so it is to be closed by whoever does not want the reply any more. Nothing
/// blocks, and no reply comes before the call that asked for it has returned.
class Connection : public std::enable_shared_from_this<Connection> {
  public:
    using Done = std::function<void(const Reply&)>;

    /// `most`: how many bytes of each of a reply's two texts are kept.
    Connection(boost::asio::io_context& loop, std::size_t most)
        : socket_(loop), reader_(most), most_(most) {}

    ~Connection() { close(); }

    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Connects.
    void open(const net::Endpoint& endpoint);

    /// Takes one that has begun to connect.
    void open(net::OwnConnection begun);

    /// Sends a request (encode_request), as soon as it is connected. Not before the last one's
    /// reply.
    void ask(std::string bytes, Done done);

    /// Whether it can be asked again.
    bool usable() const { return !failed_ && !done_; }

    /// Nothing is answered any more.
    void close();

  private:
    void connected(int error);
    void write();
    void read();
    void finish(Reply::End end, int error = 0);

    boost::asio::generic::stream_protocol::socket socket_;
    std::optional<net::OwnConnection> own_; // whose descriptor the socket uses
    bool connected_ = false;
    bool failed_ = false;
    std::string unsent_;
    Done done_;
    ResponseReader reader_;
    std::size_t most_;
    std::array<char, 8'192> buffer_{};
};

/// A request for one of the pages that FPM has itself: its status, its ping.
std::string own_page_request(const std::string& path, const std::string& query);

} // namespace sluice::fpm
