#pragma once

#include "tests/load/verdict.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace load {

/// How many requests of one sort were sent, and what became of them.
struct Counts {
    std::uint64_t sent = 0;
    std::array<std::uint64_t, verdict_count> by_verdict{};
    std::uint64_t slow_refused = 0;     // of the refused; in a silence, not at once
    std::vector<double> latencies_ms{}; // of what was answered, on time or late

    std::uint64_t of(Verdict verdict) const {
        return by_verdict[static_cast<std::size_t>(verdict)];
    }
};

/// The account of a run.
class Tally {
  public:
    explicit Tally(const Options& options)
        : stall_after_(options.stall_after), targets_(options.targets.size()) {}

    void sent() { ++all_.sent; }

    void finished(const Finding& finding, const Exchange& exchange);

    /// The generator sent a request so long after its time.
    void behind(Clock::duration delay) { behind_ = std::max(behind_, delay); }

    std::uint64_t sent_count() const { return all_.sent; }

    /// The newest version of the code that has answered so far; 0 where the answers tell none.
    std::uint64_t newest() const { return versions_.empty() ? 0 : versions_.rbegin()->first; }

    /// True when each request that was sent was judged, once.
    bool adds_up() const;

    std::string json(Clock::duration duration) const;
    std::string table(Clock::duration duration) const;

  private:
    std::optional<Millis> stall_after_;
    Counts all_;

    // Of what is finished, these sorts apart.
    Counts get_;
    Counts post_;
    Counts reused_;
    Counts after_;
    std::vector<Counts> targets_;

    std::uint64_t stalled_ = 0;
    std::uint64_t stale_ = 0;
    std::map<std::uint64_t, std::uint64_t> versions_; // how many were answered by each
    std::uint64_t retried_refused_ = 0;
    std::uint64_t retried_lost_ = 0;
    std::map<std::string, std::uint64_t> reasons_;
    std::map<std::string, std::uint64_t> upstreams_;
    Clock::duration behind_{};
};

} // namespace load
