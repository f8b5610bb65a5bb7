#pragma once

#include "tests/load/address.h"
#include "tests/load/request.h"
#include "tests/load/response.h"
#include "tests/load/verdict.h"

#include <string>

namespace load {

/// A client's connection, and the request that is on its way on it. Owns its socket. Driven from
/// outside: ready() whenever epoll says so, until it returns true. With keep-alive the next request
/// may follow then.
class Connection {
  public:
    /// Starts to connect. Throws std::system_error where this machine, not the service, is at
    /// fault: no descriptor, no local port, no right to use a path.
    Connection(const Address& address, Protocol protocol);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    int fd() const { return fd_; }

    /// Sends as much as it can at once; ready() sends the rest. For `after` and `newest` see
    /// Exchange.
    void begin(Request request, bool after, std::uint64_t newest);

    /// Goes on as far as it can without blocking; true when the exchange is over.
    bool ready();

    /// The run's bound has come: ends the exchange as it is.
    void give_up();

    /// Requests begun so far.
    unsigned requests() const { return requests_; }

    /// False as soon as the service has closed it, or has sent what nobody asked for.
    bool is_open() const;

    const Exchange& exchange() const { return exchange_; }

    const Response& response() const { return response_; }

  private:
    bool finish(End end);
    bool check_connected();
    void send_rest();
    bool receive();

    Protocol protocol_;
    int fd_ = -1;
    int connect_error_ = 0; // what connect() itself said; mostly it says nothing yet
    unsigned requests_ = 0;
    Clock::time_point started_ = Clock::now();
    std::string unsent_;
    std::size_t sent_ = 0;
    Exchange exchange_;
    Response response_;
};

} // namespace load
