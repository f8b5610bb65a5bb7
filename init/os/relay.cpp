#include "init/os/relay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <climits>
#include <deque>
#include <utility>

#include "init/os/descriptor.h"
#include "init/os/shared_output.h"

namespace sluice::os {

namespace {

using namespace std::chrono_literals;
using boost::system::error_code;

constexpr std::size_t most_lines = 20;
constexpr std::size_t most_bytes = 8'192;

// Between two attempts while stderr takes nothing: its reader is slow, or stands still.
constexpr auto first_pause = 1ms;
constexpr auto longest_pause = 250ms;

} // namespace

/// Lives on while an operation of it is under way.
class Relay::Copying : public std::enable_shared_from_this<Copying> {
  public:
    Copying(boost::asio::io_context& loop, Descriptor write_end)
        : input_(loop), clock_(loop), write_end_(std::move(write_end)), output_(STDERR_FILENO) {}

    bool take(int read_end) {
        error_code error;
        input_.assign(read_end, error);
        if (!error) input_.non_blocking(true, error);
        return !error;
    }

    int read_end() { return input_.native_handle(); }

    int write_end() const { return write_end_.get(); }

    // Waits, and reads then: asio's own reading may have taken a part out of the pipe when
    // somebody flushes, and hand it over only after what came later.
    void read() {
        input_.async_wait(input_.wait_read, [self = shared_from_this()](const error_code& error) {
            if (error) return;
            self->read_some();
            self->write();
        });
    }

    void flush() {
        while (write_some() && read_some()) {
        }
    }

    void close() {
        error_code ignored;
        clock_.cancel();
        input_.close(ignored);
    }

    std::vector<std::string> last_lines() const { return {lines_.begin(), lines_.end()}; }

  private:
    // False: there is nothing at the moment.
    bool read_some() {
        error_code error;
        const auto size = input_.read_some(boost::asio::buffer(buffer_), error);
        if (!error) keep(size);
        return !error;
    }

    void keep(std::size_t size) {
        const std::string_view text(buffer_.data(), size);
        pending_ += text;
        for (const char c : text) {
            if (c == '\n') {
                add_line(std::exchange(line_, {}));
            } else if (line_.size() < most_bytes / 4) {
                line_ += c;
            }
        }
    }

    void add_line(std::string line) {
        bytes_ += line.size();
        lines_.push_back(std::move(line));
        while (lines_.size() > most_lines || bytes_ > most_bytes) {
            bytes_ -= lines_.front().size();
            lines_.pop_front();
        }
    }

    // True once nothing is pending. A piece that is no longer than PIPE_BUF does not mix with what
    // others write.
    bool write_some() {
        while (!pending_.empty()) {
            const auto written = output_.write(next_piece());
            if (written < 0 && errno == EAGAIN) return false;
            // Nobody will ever read it (EPIPE), or the disk is full: it is lost, as FPM's own
            // writing would be.
            pending_.erase(0, written < 0 ? std::string::npos : static_cast<std::size_t>(written));
        }
        return true;
    }

    std::string_view next_piece() const {
        const std::string_view all(pending_);
        if (all.size() <= PIPE_BUF) return all;
        const auto end = all.rfind('\n', PIPE_BUF - 1);
        return all.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
    }

    void write() {
        if (write_some()) {
            pause_ = first_pause;
            read();
            return;
        }
        clock_.expires_after(pause_);
        pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, longest_pause);
        clock_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->write();
        });
    }

    boost::asio::posix::stream_descriptor input_;
    boost::asio::steady_timer clock_;
    Descriptor write_end_;
    SharedOutput output_;
    std::array<char, 16'384> buffer_{};
    std::string pending_; // at most one buffer
    std::string line_;    // that has not ended yet
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
    std::chrono::milliseconds pause_ = first_pause;
};

std::unique_ptr<Relay> Relay::make(boost::asio::io_context& loop) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return nullptr;
    // FPM opens "/proc/self/fd/2" anew, as whatever user a script has made it, and the pipe is
    // ours. Who may look into the /proc folder of one that has it, may write its log.
    ::fchmod(ends[1], 0622);
    auto copying = std::make_shared<Copying>(loop, Descriptor(ends[1]));
    if (!copying->take(ends[0])) {
        ::close(ends[0]);
        return nullptr;
    }
    copying->read();
    return std::unique_ptr<Relay>(new Relay(std::move(copying)));
}

Relay::~Relay() {
    copying_->flush();
    copying_->close();
}

int Relay::write_end() const {
    return copying_->write_end();
}

std::vector<std::string> Relay::last_lines() const {
    return copying_->last_lines();
}

void Relay::flush() {
    copying_->flush();
}

void Relay::leave_to_child() {
    flush();
    const int from = copying_->read_end();
    const int flags = ::fcntl(from, F_GETFL);
    if (flags < 0 || ::fcntl(from, F_SETFL, flags & ~O_NONBLOCK) != 0) return;
    if (::fork() != 0) return;
    // Without a write end of its own it ends when the last of the generation has.
    if (::dup2(from, STDIN_FILENO) < 0) ::_exit(1);
    ::close_range(STDERR_FILENO + 1, ~0U, 0);
    std::array<char, 4'096> buffer{};
    for (;;) {
        const auto size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (size == 0 || (size < 0 && errno != EINTR)) ::_exit(0);
        if (size > 0 && ::write(STDERR_FILENO, buffer.data(), static_cast<std::size_t>(size)) < 0) {
            ::_exit(0);
        }
    }
}

} // namespace sluice::os
