#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace sluice::fleet {

/// In which order the containers of a node take their turn. Pure: it is told what has happened, and
/// tells which to begin with.
///
/// The first is the canary: it is alone, and if it fails nobody follows. Then at most `parallel`
/// have their turn at a time. When one has ended, its place stays empty for `pause`. With
/// `halt_at_failure` nobody else begins once one has failed. After an interruption nobody begins.
/// What has begun is always awaited: it is over when nothing is under way and nothing is to begin.
class Rollout {
  public:
    using Time = std::chrono::steady_clock::time_point;

    struct Terms {
        std::size_t count = 0;
        std::size_t parallel = 1; // at least 1
        std::chrono::milliseconds pause{0};
        bool canary = true;
        bool halt_at_failure = false;
    };

    enum class State : std::uint8_t { waiting, under_way, done, failed };

    struct Start {};

    struct Ended {
        std::size_t which = 0; // under way
        bool well = true;
    };

    struct Elapsed {}; // the time of wake_up() has come, or any other

    struct Interrupted {};

    using Event = std::variant<Start, Ended, Elapsed, Interrupted>;

    explicit Rollout(Terms terms) : terms_(terms), states_(terms.count, State::waiting) {}

    /// Those that are to begin now; they are under way from here on.
    std::vector<std::size_t> on(const Event& event, Time now);

    bool over() const;

    /// When Elapsed is to be told next; nothing while there is nothing to wait for.
    std::optional<Time> wake_up() const;

    State state(std::size_t which) const { return states_.at(which); }

    std::size_t count(State state) const;

    /// Nobody else will begin: the canary or another failed, or it was interrupted.
    bool halted() const { return halted_; }

  private:
    void ended(const Ended& event, Time now);
    std::vector<std::size_t> begin(Time now);
    std::size_t places() const;

    Terms terms_;
    std::vector<State> states_;
    std::vector<Time> resting_; // places that stay empty until then
    std::size_t next_ = 0;
    bool started_ = false;
    bool halted_ = false;
};

/// In which order so many containers, sorted by name, take their turn where `parallel` do at a
/// time: those that are under way together are far from each other in the list, for what has names
/// that are alike is mostly of one service.
std::vector<std::size_t> spread(std::size_t count, std::size_t parallel);

/// A quarter, at least one: three quarters of the upstreams behind a balancer go on serving.
std::size_t careful_parallel(std::size_t count);

} // namespace sluice::fleet
