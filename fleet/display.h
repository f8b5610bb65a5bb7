#pragma once

#include <chrono>
#include <cstddef>

#include "fleet/show/board.h"
#include "fleet/show/frame.h"

namespace sluice::fleet {

/// Shows a roll-out on stdout: on a terminal in place, else as plain or JSON lines.
class Display {
  public:
    enum class Form : std::uint8_t { terminal, plain, json };

    explicit Display(Form form) : form_(form) {}

    /// What stdout is fit for.
    static Form form_of_stdout(bool json);

    /// The terminal is to be drawn again so often, by tick().
    static constexpr std::chrono::milliseconds between_ticks{100};

    bool ticks() const { return form_ == Form::terminal; }

    /// A container is at another step.
    void step(const Board::Row& row) const;

    void ended(const Board& board, const Board::Row& row) const;

    /// A sentence to the operator while it runs; on a terminal it is the board's notice.
    void say(const std::string& sentence) const;

    void tick(const Board& board);

    /// The account, in place of what is redrawn.
    void finish(const Board& board);

  private:
    Form form_;
    std::size_t drawn_ = 0; // lines on the terminal
    Window window_;
};

} // namespace sluice::fleet
