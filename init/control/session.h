#pragma once

#include <sys/types.h>

#include <array>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "init/control/request.h"

namespace sluice::control {

/// Who is at the other end, as the kernel says.
struct Peer {
    pid_t pid = 0; // 0: of another PID namespace
    uid_t uid = 0;
};

class Session;
using OnRequest = std::function<void(Request, std::shared_ptr<Session>)>;

/// One client: reads its one request, and sends it what the owner of the server answers. It never
/// waits for a client: who sends nothing, sends too much or does not read is dropped. It keeps
/// itself alive only while it waits for something; who is to answer later keeps the pointer, and
/// one that is let go without end() closes the connection. It must not outlive the loop.
class Session : public std::enable_shared_from_this<Session> {
  public:
    using Socket = boost::asio::local::stream_protocol::socket;

    Session(Socket socket, Peer peer);

    /// Reads the request and calls `on_request` with it, once. What is no request is answered here.
    void start(OnRequest on_request);

    /// Queues one line, without its newline. Does nothing after end() or once closed.
    void line(std::string_view json);

    /// Sends what is queued and closes.
    void end();

    /// True once the client has gone or was dropped: nothing reaches it any more.
    bool closed() const { return !socket_.is_open(); }

    /// Its answer will take its time: it is not counted among those that are served, so that others
    /// are not locked out. Whoever owes it the answer bounds how many there are.
    void step_aside() { aside_ = true; }

    bool aside() const { return aside_; }

    const Peer& peer() const { return peer_; }

    /// Closes at once.
    void drop();

  private:
    void read();
    void on_bytes(std::size_t size);
    void on_end_of_input();
    void write();
    void arm();
    void refuse(std::string why);

    Socket socket_;
    boost::asio::steady_timer timer_; // to send the request; then for each write
    Peer peer_;
    OnRequest on_request_; // empty once the request has come
    std::array<char, longest_request> buffer_{};
    std::size_t received_ = 0; // of the request
    std::string queued_;
    std::string sending_; // empty: no write is under way
    bool ending_ = false;
    bool aside_ = false;
};

} // namespace sluice::control
