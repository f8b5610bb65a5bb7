#pragma once

#include <chrono>
#include <string>

#include "init/control/reply.h"

namespace sluice::control {

/// Shows the steps of a reload as they happen, on stdout: each one that is done on a line of its
/// own; on a terminal below them the one that is under way, with its time.
class ProgressLine {
  public:
    explicit ProgressLine(bool terminal) : terminal_(terminal) {}

    ~ProgressLine() { clear(); }

    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;

    void show(const Progress& progress);

    /// Shows the time again, for a step that is under way on a terminal.
    void tick() const;

    /// True if tick() has something to do.
    bool ticks() const { return terminal_ && !step_.empty(); }

    /// Takes the line away that will be rewritten.
    void clear() const;

  private:
    bool terminal_;
    std::string step_; // under way; empty: none
    std::chrono::steady_clock::time_point began_;
};

} // namespace sluice::control
