#include "signals/inbox.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <system_error>

#include "signals/names.h"

namespace sluice::signals {

namespace {

int open_signalfd() {
    sigset_t mask;
    sigemptyset(&mask);
    for (const int signal : catchable()) sigaddset(&mask, signal);
    const int fd = ::signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) {
        throw std::system_error(errno, std::generic_category(), "signalfd: open the signal inbox");
    }
    return fd;
}

Received translate(const signalfd_siginfo& info) {
    const auto sender = static_cast<pid_t>(info.ssi_pid);
    const bool sent =
        info.ssi_code == SI_USER || info.ssi_code == SI_TKILL || info.ssi_code == SI_QUEUE;
    Received received{.signal = static_cast<int>(info.ssi_signo),
                      .sender = sender,
                      .value = {},
                      .from_process = sent && sender != ::getpid()};
    if (info.ssi_code == SI_QUEUE) received.value = info.ssi_ptr; // all of the union
    return received;
}

// A write of our own to a closed pipe raises PIPE at ourselves.
bool is_own_broken_pipe(const Received& received) {
    return received.signal == SIGPIPE && received.sender == ::getpid();
}

} // namespace

Inbox::Inbox(boost::asio::io_context& loop) : descriptor_(loop, open_signalfd()) {}

void Inbox::deliver_to(Handler handler) {
    handler_ = std::move(handler);
    if (handler_ && !waiting_) wait();
}

void Inbox::wait() {
    waiting_ = true;
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [this](const boost::system::error_code& error) {
                               waiting_ = false;
                               // Cancelled, the loop is ending; or there is nobody to tell.
                               if (error || !handler_) return;
                               // Wait again first: what the handler throws must not end the watch.
                               wait();
                               read_batch();
                           });
}

void Inbox::read_batch() {
    // One read is one batch; in a storm the loop gets its turn between two of them.
    std::array<signalfd_siginfo, 128> buffer;
    const auto size = ::read(descriptor_.native_handle(), buffer.data(), sizeof buffer);
    if (size <= 0) return; // EAGAIN: another batch took it
    std::vector<Received> batch;
    for (std::size_t i = 0; i < static_cast<std::size_t>(size) / sizeof buffer[0]; ++i) {
        const auto received = translate(buffer.at(i));
        if (!is_own_broken_pipe(received)) batch.push_back(received);
    }
    if (!batch.empty()) handler_(batch);
}

} // namespace sluice::signals
