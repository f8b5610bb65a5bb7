#include "init/os/command.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

constexpr std::size_t most_output = std::size_t{1'024} * 1'024;

} // namespace

/// Lives on while an operation of it is under way.
class Command::Running : public std::enable_shared_from_this<Running> {
  public:
    Running(boost::asio::io_context& loop, Done done)
        : loop_(loop), output_(loop), limit_(loop), done_(std::move(done)) {}

    void start(Launch launch, std::chrono::milliseconds limit) {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
            failed({.error = errno, .stage = Stage::descriptors});
            return;
        }
        const Descriptor write_end(ends[1]);
        boost::system::error_code error;
        output_.assign(ends[0], error);
        if (!error) output_.non_blocking(true, error);
        if (error) {
            if (!output_.is_open()) ::close(ends[0]);
            failed({.error = error.value(), .stage = Stage::descriptors});
            return;
        }
        launch.output = write_end.get();
        const auto spawned = spawn(loop_, launch);
        if (spawned.error != 0) {
            failed(spawned);
            return;
        }
        pid_ = spawned.pid;
        limit_.expires_after(limit);
        limit_.async_wait([self = shared_from_this()](const boost::system::error_code& failed) {
            if (!failed) self->kill(Captured::End::too_slow);
        });
        read();
    }

    pid_t pid() const { return pid_; }

    void kill(Captured::End why) {
        if (pid_ < 0) return;
        captured_.end = why;
        ::kill(-pid_, SIGKILL);
    }

    // A grandchild may hold the pipe open: the child's end is what counts. What it left in its
    // group would be one more process with every reload. (The number is the group's as long as one
    // is in it.)
    void ended(int wait_status) {
        if (pid_ > 0) ::kill(-pid_, SIGKILL);
        pid_ = -1;
        captured_.wait_status = wait_status;
        read_the_rest();
        finish();
    }

    void forget() {
        done_ = {};
        kill(Captured::End::asked_to_stop);
        close();
    }

  private:
    void failed(const Spawned& failure) {
        captured_.end = Captured::End::not_started;
        captured_.failure = failure;
        boost::asio::post(loop_, [self = shared_from_this()] { self->finish(); });
    }

    void finish() {
        close();
        if (const auto done = std::exchange(done_, {})) done(captured_);
    }

    void close() {
        limit_.cancel();
        boost::system::error_code ignored;
        output_.close(ignored);
    }

    // Waits, and reads then: asio's own reading may have taken a part out of the pipe when the
    // child's end is told, and hand it over only after that.
    void read() {
        output_.async_wait(output_.wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                               if (error) return;
                               const auto end = self->read_some();
                               if (!end || end == boost::asio::error::would_block) self->read();
                           });
    }

    // What was written right before the end; the pipe holds 64 KiB at most.
    void read_the_rest() {
        while (captured_.output.size() < most_output && !read_some()) {
        }
    }

    boost::system::error_code read_some() {
        boost::system::error_code error;
        keep(output_.read_some(boost::asio::buffer(buffer_), error));
        return error;
    }

    void keep(std::size_t size) {
        const auto room = most_output - captured_.output.size();
        captured_.output.append(buffer_.data(), std::min(size, room));
    }

    boost::asio::io_context& loop_;
    boost::asio::posix::stream_descriptor output_;
    boost::asio::steady_timer limit_;
    Done done_;
    std::array<char, 4'096> buffer_{};
    pid_t pid_ = -1;
    Captured captured_;
};

Command::Command(boost::asio::io_context& loop, Launch launch, std::chrono::milliseconds limit,
                 Done done)
    : running_(std::make_shared<Running>(loop, std::move(done))) {
    running_->start(std::move(launch), limit);
}

Command::~Command() {
    running_->forget();
}

pid_t Command::pid() const {
    return running_->pid();
}

void Command::kill(Captured::End why) {
    running_->kill(why);
}

void Command::ended(int wait_status) {
    // `done` may be what destroys this object.
    const auto running = running_;
    running->ended(wait_status);
}

} // namespace sluice::os
