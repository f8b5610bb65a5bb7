#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/descriptor.h"
#include "tests/integration/temp_folder.h"

namespace tests {

/// An Engine that answers as a test says, for what a real one does not do on demand. It listens on
/// a unix socket; each connection has a thread of its own.
class FakeEngine {
  public:
    /// All bytes of the answer; the connection is closed behind them. `hang`: not before the end.
    struct Answer {
        std::string bytes;
        bool hang = false;
    };

    /// Gets "POST /containers/ab/exec"; is called from several threads, one at a time.
    using OnRequest = std::function<Answer(const std::string& request)>;

    explicit FakeEngine(OnRequest on_request);
    ~FakeEngine();
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;

    /// For DOCKER_HOST.
    std::string host() const { return "unix://" + path(); }

    std::string path() const { return folder_.path("docker.sock"); }

    /// What was asked for so far, in its order.
    std::vector<std::string> requests();

  private:
    void accept_all();
    void serve(const Descriptor& client);

    OnRequest on_request_;
    TempFolder folder_;
    Descriptor listener_;
    Pipe end_;
    std::mutex mutex_;
    std::vector<std::string> requests_;
    std::vector<std::thread> threads_;
    std::thread acceptor_;
};

/// An HTTP answer with this body.
std::string http(int status, const std::string& body);

/// A process's output as the Engine streams it: the head of the answer and a frame for each text
/// (channel 1 or 2).
std::string stream(const std::vector<std::pair<int, std::string>>& frames);

} // namespace tests
