#pragma once

#include <string>
#include <string_view>

namespace sluice::fleet {

/// What `sluice reload --wait` is at, by what it has written. Pure.
///
/// It writes a line for each step that is done, "preparing: 265 ms, checked", and one for a wait
/// that begins, "queued: ..."; the last line, on stdout or, where it failed, on stderr, is the
/// outcome.
class ReloadSteps {
  public:
    /// A line of stdout.
    void out(std::string_view line);

    /// A line of stderr.
    void err(std::string_view line);

    /// The step that is under way: "preparing", "proving".
    const std::string& step() const { return step_; }

    /// "reload: done in 0.4 s, ..."; empty as long as there is none.
    const std::string& outcome() const { return outcome_; }

    bool rolled_back() const;

  private:
    std::string step_ = "asking";
    std::string outcome_;
};

} // namespace sluice::fleet
