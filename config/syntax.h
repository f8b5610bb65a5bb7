#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/load.h"

namespace sluice::config {

/// A text by its lines and columns, both from 1, as the TOML library counts them: in characters,
/// a byte order mark not counted. What does not exist is empty.
class Lines {
  public:
    explicit Lines(std::string_view text);

    std::string_view line(std::uint32_t number) const;
    std::string_view part(std::uint32_t line, std::uint32_t first, std::uint32_t end) const;

  private:
    std::vector<std::string_view> lines_;
};

/// Why a file cannot be given to the TOML library at all: it holds a NUL byte, or is nested so
/// deep that the library, which frees tables recursively, would run out of stack.
std::optional<Problem> unreadable(const File& file);

/// The library's message about a syntax error, and the next step where it can be told from the
/// line: a value or a key without its quotes.
Problem syntax_problem(const File& file, Position position, std::string_view description);

} // namespace sluice::config
