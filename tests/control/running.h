#pragma once

#include <boost/asio/io_context.hpp>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "init/control/server.h"
#include "init/core/report.h"
#include "tests/integration/child_process.h"

namespace tests {

/// Answers every request well; a reload in two steps.
void answer(sluice::control::Request request,
            const std::shared_ptr<sluice::control::Session>& session);

/// What `answer` says to `status`.
sluice::core::Report some_report();

/// Takes every session, and answers none. For one Running, which takes them away at its end: they
/// must not outlive its loop.
struct Holding {
    std::mutex mutex;
    std::vector<std::shared_ptr<sluice::control::Session>> sessions;

    sluice::control::OnRequest take();
    std::size_t count();
    bool closed(std::size_t at);
};

/// A control server whose loop runs in a thread of its own; a failed test where it cannot listen.
class Running {
  public:
    explicit Running(const std::optional<std::string>& configured,
                     sluice::control::OnRequest on_request = answer);
    Running(const std::string& configured, Holding& holding);
    Running(const std::string& configured, sluice::control::OnRequest on_request, Holding& holding);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    const std::string& address() const { return server_->address(); }

    /// The server's end, while the loop lives on.
    void close();

    /// What the loop's thread has used of the processor.
    std::chrono::nanoseconds processor_time();

  private:
    boost::asio::io_context loop_{1};
    std::optional<sluice::control::Server> server_;
    Holding* holding_ = nullptr;
    std::thread thread_;
};

/// A client that is no sluice.
class RawClient {
  public:
    /// A failed test where nobody listens.
    explicit RawClient(const std::string& address);

    int socket() const { return socket_.get(); }

    /// False if the other end has closed before all was taken.
    bool send(const std::string& text) const;

    /// Everything until the server closes; a failed test if it never does.
    std::string read_all() const;

    void close() { socket_.close(); }

  private:
    Descriptor socket_;
};

struct Result {
    int status; // the exit status; 1000 + n: a signal; -1: it has not ended
    std::string out;
    std::string err;
};

Result run(const std::vector<std::string>& command,
           const std::map<std::string, std::string>& environment = {});

/// The program under test, as a client.
Result sluice_client(std::vector<std::string> words,
                     const std::map<std::string, std::string>& environment = {});

std::string sluice_program();

bool contains(const std::string& text, std::string_view part);

/// False, and says so, where the test needs root and is not.
bool is_root();

} // namespace tests
