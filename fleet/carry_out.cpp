#include "fleet/carry_out.h"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <utility>

#include "fleet/show/board.h"
#include "fleet/turns.h"
#include "signals/names.h"

namespace sluice::fleet {

namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Row = Board::Row;

constexpr int exit_some_failed = 1;
constexpr int exit_interrupted = 128 + SIGINT;

milliseconds since(Clock::time_point moment) {
    return std::chrono::duration_cast<milliseconds>(Clock::now() - moment);
}

class Run {
  public:
    Run(boost::asio::io_context& loop, const Task& task, const std::vector<Container>& containers,
        const Rollout::Terms& terms, Display display)
        : loop_(loop),
          task_(task),
          containers_(containers),
          display_(display),
          signals_(loop, SIGINT, SIGTERM, SIGHUP),
          tick_(loop),
          began_(Clock::now()),
          begun_(containers.size()),
          turns_(
              loop, terms, [this](std::size_t which, auto ended) { begin(which, ended); },
              [this] { over(); }) {
        board_.task = task.name;
        board_.counts_cut = task.counts_cut;
        for (const auto& container : containers) board_.rows.push_back({.name = container.name});
    }

    int run() {
        await_signal();
        tick();
        turns_.start();
        loop_.run();
        return exit_status_;
    }

  private:
    void begin(std::size_t which, const Turns::OnEnded& ended) {
        auto& row = board_.rows.at(which);
        row.state = Row::State::under_way;
        begun_.at(which) = Clock::now();
        task_.begin(
            containers_.at(which),
            [this, which](const std::string& step) {
                auto& at = board_.rows.at(which);
                if (std::exchange(at.step, step) == step) return;
                at.took = since(begun_.at(which));
                display_.step(at);
            },
            [this, which, ended](Outcome outcome) {
                this->ended(which, std::move(outcome));
                ended(board_.rows.at(which).outcome.kind == Outcome::Kind::done);
            });
    }

    void ended(std::size_t which, Outcome outcome) {
        auto& row = board_.rows.at(which);
        row.state = Row::State::ended;
        row.took = since(begun_.at(which));
        row.outcome = std::move(outcome);
        display_.ended(board_, row);
        if (row.outcome.kind == Outcome::Kind::done || !first_failed_.empty()) return;
        first_failed_ = (which == 0 ? "the canary " : "") + row.name;
    }

    void await_signal() {
        signals_.async_wait([this](const error_code& error, int signal) {
            if (!error) interrupted(signal);
        });
    }

    void interrupted(int signal) {
        if (!interrupted_by_.empty() && signal == SIGINT) return leave();
        if (interrupted_by_.empty()) {
            interrupted_by_ = signals::name_of(signal);
            board_.notice = interrupted_by_ + ": what has begun is finished, nothing else begins; "
                                              "INT again leaves it";
            display_.say(board_.notice);
        }
        await_signal();
        turns_.interrupt(); // may end it
    }

    void leave() {
        for (auto& row : board_.rows) {
            if (row.state == Row::State::under_way) row.outcome.text = task_.left;
        }
        finish("interrupted twice: what was under way is left as it is");
        exit_status_ = exit_interrupted;
    }

    void over() {
        const bool all = board_.count(Outcome::Kind::done) == board_.rows.size();
        exit_status_ = all ? 0 : exit_some_failed;
        const auto not_begun = board_.count(Row::State::waiting);
        if (not_begun == 0) return finish("");
        finish((interrupted_by_.empty() ? first_failed_ + " failed"
                                        : "interrupted by " + interrupted_by_) +
               ": nothing else was begun");
    }

    void finish(std::string notice) {
        board_.notice = std::move(notice);
        refresh();
        display_.finish(board_);
        loop_.stop();
    }

    void tick() {
        if (!display_.ticks()) return;
        refresh();
        display_.tick(board_);
        tick_.expires_after(Display::between_ticks);
        tick_.async_wait([this](const error_code& error) {
            if (!error) tick();
        });
    }

    void refresh() {
        board_.elapsed = since(began_);
        for (std::size_t at = 0; at < board_.rows.size(); ++at) {
            auto& row = board_.rows[at];
            if (row.state == Row::State::under_way) row.took = since(begun_[at]);
        }
    }

    boost::asio::io_context& loop_;
    const Task& task_;
    const std::vector<Container>& containers_;
    Display display_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer tick_;
    Clock::time_point began_;
    std::vector<Clock::time_point> begun_;
    Board board_;
    Turns turns_;
    std::string interrupted_by_;
    std::string first_failed_;
    int exit_status_ = 0;
};

} // namespace

int carry_out(boost::asio::io_context& loop, const Task& task,
              const std::vector<Container>& containers, const Rollout::Terms& terms,
              Display display) {
    return Run(loop, task, containers, terms, display).run();
}

} // namespace sluice::fleet
