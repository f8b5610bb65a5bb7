#include "tests/load/run.h"

#include "tests/load/connection.h"
#include "tests/load/records.h"
#include "tests/load/tally.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>

namespace load {
namespace {

void raise_descriptor_limit() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int open_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/// One run: sends while it is time to, then waits for what is in flight.
class Run {
  public:
    explicit Run(const Options& options)
        : options_(options),
          tally_(options),
          records_(options.csv),
          epoll_(epoll_create1(EPOLL_CLOEXEC)),
          signals_(open_signals()) {
        watch(signals_, EPOLLIN);
    }

    void go() {
        while (sending_ || !in_flight_.empty()) {
            update(Clock::now());
            if (!sending_ && in_flight_.empty()) break;
            wait_for_events();
        }
    }

    const Tally& tally() const { return tally_; }

    Clock::duration duration() const { return (sending_ ? Clock::now() : stopped_) - started_; }

  private:
    using Connections = std::unordered_map<int, std::unique_ptr<Connection>>;

    void watch(int fd, unsigned events) const {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
            throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }

    /// Sends what is due, and ends sending or waiting when their time is over.
    void update(Clock::time_point now) {
        if (sending_ && options_.duration && now - started_ >= *options_.duration)
            stop_sending(now);
        while (!resting_.empty() && resting_.front() <= now) resting_.pop_front();
        while (sending_ && may_send(now)) send_one(now);
        if (!sending_ && now - stopped_ >= options_.wait) give_up();
    }

    Clock::time_point due_of(std::uint64_t number) const {
        const std::chrono::duration<double> offset(double(number) / options_.rate);
        return started_ + std::chrono::duration_cast<Clock::duration>(offset);
    }

    bool may_send(Clock::time_point now) const {
        if (options_.clients > 0) return in_flight_.size() + resting_.size() < options_.clients;
        return due_of(tally_.sent_count()) <= now;
    }

    void send_one(Clock::time_point now) {
        const std::uint64_t number = tally_.sent_count();
        if (options_.clients == 0) tally_.behind(now - due_of(number));
        char token[32];
        std::snprintf(token, sizeof token, "%08x-%010llx", static_cast<unsigned>(getpid()),
                      static_cast<unsigned long long>(number));
        const std::size_t target = number % options_.targets.size();
        auto connection = take_idle();
        if (!connection) {
            connection = std::make_unique<Connection>(options_.address, options_.protocol);
            watch(connection->fd(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
        }
        connection->begin(make_request(options_, target, token), stop_began_, tally_.newest());
        in_flight_.emplace(connection->fd(), std::move(connection));
        tally_.sent();
        if (options_.requests && tally_.sent_count() >= *options_.requests) stop_sending(now);
    }

    /// One that waits for its next request and is still open; the closed ones are dropped.
    std::unique_ptr<Connection> take_idle() {
        while (!idle_.empty()) {
            auto connection = std::move(idle_.extract(idle_.begin()).mapped());
            if (connection->is_open()) return connection;
        }
        return nullptr;
    }

    void stop_sending(Clock::time_point now) {
        sending_ = false;
        stopped_ = now;
    }

    void give_up() {
        for (auto& [fd, connection] : in_flight_) {
            connection->give_up();
            settle(*connection);
        }
        in_flight_.clear();
    }

    void settle(const Connection& connection) {
        const Exchange& exchange = connection.exchange();
        const Finding finding = judge(exchange, connection.response(), options_.cut_after);
        tally_.finished(finding, exchange);
        records_.add(finding, exchange, options_.targets[exchange.target].path);
        if (options_.clients > 0 && exchange.end != End::complete)
            resting_.push_back(Clock::now() + options_.rest);
    }

    /// When update() has something to do even if no event comes.
    Clock::time_point next_due() const {
        if (!sending_) return stopped_ + options_.wait;
        auto due = Clock::time_point::max();
        if (options_.duration) due = started_ + *options_.duration;
        if (options_.clients == 0) due = std::min(due, due_of(tally_.sent_count()));
        if (!resting_.empty()) due = std::min(due, resting_.front());
        return due;
    }

    void wait_for_events() {
        std::array<epoll_event, 256> events;
        const auto due = next_due();
        const auto left = std::max(due - Clock::now(), Clock::duration::zero());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec timeout{seconds.count(), (left - seconds).count()};
        const int n = epoll_pwait2(epoll_, events.data(), events.size(),
                                   due == Clock::time_point::max() ? nullptr : &timeout, nullptr);
        for (int i = 0; i < n; ++i) dispatch(events[static_cast<std::size_t>(i)].data.fd);
    }

    void dispatch(int fd) {
        if (fd == signals_) return on_signal();
        // The service closed a connection between two requests, as it may.
        if (const auto found = idle_.find(fd); found != idle_.end()) {
            if (!found->second->is_open()) idle_.erase(found);
            return;
        }
        const auto found = in_flight_.find(fd);
        if (found == in_flight_.end() || !found->second->ready()) return;
        settle(*found->second);
        const auto node = in_flight_.extract(found);
        const Connection& connection = *node.mapped();
        if (connection.exchange().end == End::complete &&
            connection.requests() < options_.keep_alive && connection.is_open())
            idle_.emplace(fd, std::move(node.mapped()));
    }

    /// USR1 is the mark. The first TERM or INT ends sending, the second the waiting as well.
    void on_signal() {
        signalfd_siginfo info{};
        while (read(signals_, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGUSR1)
                mark();
            else if (sending_)
                stop_sending(Clock::now());
            else
                give_up();
        }
    }

    /// Whatever was begun before has met the service by now: a script that waits for this line
    /// knows.
    void mark() {
        stop_began_ = true;
        std::fputs("marked\n", stderr);
    }

    const Options& options_;
    Tally tally_;
    Records records_;
    int epoll_;
    int signals_;
    Clock::time_point started_ = Clock::now();
    Clock::time_point stopped_{};
    bool sending_ = true;
    bool stop_began_ = false;
    Connections in_flight_;
    Connections idle_; // kept alive, between two requests

    // A client whose request was not answered rests until then: a service that refuses must not
    // lose the processor to those whom it refuses. The earliest is the first.
    std::deque<Clock::time_point> resting_;
};

int report(const Run& run, const Options& options) {
    const std::string table = run.tally().table(run.duration());
    if (options.json) std::fputs(run.tally().json(run.duration()).c_str(), stdout);
    std::fputs(table.c_str(), options.json ? stderr : stdout);
    if (run.tally().adds_up()) return 0;
    std::fprintf(stderr, "%s: the counts do not add up to what was sent\n",
                 program_invocation_short_name);
    return 3;
}

} // namespace

int run_load(const Options& options) {
    raise_descriptor_limit();
    try {
        Run run(options);
        run.go();
        return report(run, options);
    } catch (const std::system_error& error) {
        std::fprintf(stderr, "%s: the generator itself failed, nothing was measured: %s\n",
                     program_invocation_short_name, error.what());
        return 1;
    }
}

} // namespace load
