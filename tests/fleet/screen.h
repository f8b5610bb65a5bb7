#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tests {

/// What a terminal shows of what was written to it, as far as sluice-fleet and the line discipline
/// go: text, CR, LF, BEL, cursor up and home, erasing of lines and of the screen.
class Screen {
  public:
    Screen(std::size_t lines, std::size_t columns) : height_(lines), width_(columns) {}

    void write(std::string_view bytes);

    /// All lines from the first on, also those that have scrolled away, without blanks at their
    /// ends and without the empty ones at the end.
    std::vector<std::string> lines() const;

    /// Where the next character comes, counted as in lines().
    std::size_t row() const { return row_; }

    std::size_t column() const { return column_; }

    /// What a terminal would have done that nobody wants: "wrapped a line", "took ESC [ 5 m".
    const std::string& trouble() const { return trouble_; }

  private:
    std::size_t steer(std::string_view bytes);
    void erase_below();

    std::size_t height_;
    std::size_t width_;
    std::vector<std::string> lines_{std::string()};
    std::size_t top_ = 0; // the first line that the window shows
    std::size_t row_ = 0;
    std::size_t column_ = 0;
    std::string trouble_;
};

} // namespace tests
