#include "init/os/capture.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <system_error>

#include "init/os/descriptor.h"
#include "init/os/reaper.h"
#include "signals/meaning.h"

namespace sluice::os {

namespace {

constexpr std::size_t most_output = std::size_t{1'024} * 1'024;

class Capture {
  public:
    Capture(boost::asio::io_context& loop, signals::Inbox& inbox, const signals::Rules& rules)
        : loop_(loop), inbox_(inbox), rules_(rules), output_(loop), limit_(loop) {}

    Captured run(Launch launch, std::chrono::milliseconds limit) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            throw std::system_error(errno, std::generic_category(), "pipe2: read a check's output");
        }
        output_.assign(ends[0]);
        Descriptor write_end(ends[1]);
        launch.output = write_end.get();
        const auto spawned = spawn(loop_, launch);
        pid_ = spawned.pid;
        write_end = {};
        if (spawned.error != 0) return {.end = Captured::End::not_started, .failure = spawned};
        inbox_.deliver_to([this](const auto& batch) { on_signals(batch); });
        limit_.expires_after(limit);
        limit_.async_wait([this](const boost::system::error_code& error) {
            if (!error) kill(Captured::End::too_slow);
        });
        read();
        // A grandchild may hold the pipe open: the child's end is what counts.
        while (!ended_) loop_.run_one();
        limit_.cancel();
        drain_pipe();
        inbox_.deliver_to({});
        boost::system::error_code ignored;
        output_.close(ignored);
        loop_.poll(); // the cancelled handlers, which know this object
        for (const int signal : kept_) ::kill(::getpid(), signal);
        return captured_;
    }

  private:
    void read() {
        output_.async_read_some(boost::asio::buffer(buffer_),
                                [this](const boost::system::error_code& error, std::size_t size) {
                                    if (error) return;
                                    keep(size);
                                    read();
                                });
    }

    // What was written right before the end; the pipe holds 64 KiB at most.
    void drain_pipe() {
        output_.non_blocking(true);
        boost::system::error_code error;
        for (;;) {
            const auto size = output_.read_some(boost::asio::buffer(buffer_), error);
            if (error || captured_.output.size() >= most_output) return;
            keep(size);
        }
    }

    void keep(std::size_t size) {
        const auto room = most_output - captured_.output.size();
        captured_.output.append(buffer_.data(), std::min(size, room));
    }

    void kill(Captured::End why) {
        if (ended_) return;
        captured_.end = why;
        ::kill(-pid_, SIGKILL); // it leads a group of its own
    }

    void on_signals(const std::vector<signals::Received>& batch) {
        for (const auto& received : batch) {
            if (received.signal == SIGCHLD) continue;
            if (signals::meaning_of(received.signal, rules_).meaning == signals::Meaning::drain) {
                kill(Captured::End::asked_to_stop);
            } else {
                kept_.push_back(received.signal);
            }
        }
        bool more = true;
        while (more) {
            for (const auto& change : reap(more).changes) {
                if (change.pid != pid_ || !change.ended) continue;
                captured_.wait_status = change.wait_status;
                ended_ = true;
            }
        }
    }

    boost::asio::io_context& loop_;
    signals::Inbox& inbox_;
    const signals::Rules& rules_;
    std::vector<int> kept_;
    boost::asio::posix::stream_descriptor output_;
    boost::asio::steady_timer limit_;
    std::array<char, 4'096> buffer_{};
    pid_t pid_ = -1;
    bool ended_ = false;
    Captured captured_{.end = Captured::End::exited};
};

} // namespace

Captured capture(boost::asio::io_context& loop, signals::Inbox& inbox, const signals::Rules& rules,
                 Launch launch, std::chrono::milliseconds limit) {
    return Capture(loop, inbox, rules).run(std::move(launch), limit);
}

} // namespace sluice::os
