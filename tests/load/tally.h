#pragma once

#include "tests/load/verdict.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace load {

/// The account of a run.
class Tally {
  public:
    void sent() { ++sent_; }

    void finished(const Finding& finding, Clock::duration total_time);

    /// The generator sent a request so long after its time.
    void behind(Clock::duration delay) { behind_ = std::max(behind_, delay); }

    std::uint64_t sent_count() const { return sent_; }

    /// True when each request that was sent was judged, once.
    bool adds_up() const;

    std::string json(Clock::duration duration) const;
    std::string table(Clock::duration duration) const;

  private:
    std::uint64_t count(Verdict verdict) const {
        return counts_[static_cast<std::size_t>(verdict)];
    }

    std::uint64_t sent_ = 0;
    std::array<std::uint64_t, 5> counts_{};
    std::uint64_t retried_refused_ = 0;
    std::uint64_t retried_lost_ = 0;
    std::vector<double> latencies_ms_; // of what was answered, on time or late
    std::map<std::string, std::uint64_t> reasons_;
    std::map<std::string, std::uint64_t> upstreams_;
    Clock::duration behind_{};
};

} // namespace load
