#pragma once

#include "tests/load/response.h"
#include "tests/load/verdict.h"

#include <cstdint>
#include <string>

namespace load {

/// One request on a connection of its own, from connect() to the end of its response. Owns its
/// socket. Driven from outside: ready() whenever epoll says so, until it returns true.
class Connection {
  public:
    /// Starts to connect. Throws std::system_error where this machine, not the service, is at
    /// fault: no descriptor, no local port.
    Connection(const Target& target, std::uint16_t port, std::string token, std::size_t body_bytes);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    int fd() const { return fd_; }

    /// Goes on as far as it can without blocking; true when the exchange is over.
    bool ready();

    /// The run's bound has come: ends the exchange as it is.
    void give_up();

    const Exchange& exchange() const { return exchange_; }

    const Response& response() const { return response_; }

  private:
    bool finish(End end);
    bool check_connected();
    void send_rest();
    bool receive();

    int fd_ = -1;
    int connect_error_ = 0; // what connect() itself said; mostly it says nothing yet
    Clock::time_point started_ = Clock::now();
    std::string unsent_;
    std::size_t sent_ = 0;
    Exchange exchange_;
    Response response_;
};

} // namespace load
