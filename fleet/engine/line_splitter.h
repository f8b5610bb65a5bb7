#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::fleet {

/// Makes lines of output that comes in pieces, and keeps no more of one than `longest` bytes: what
/// is beyond that is dropped, and the line ends with "...".
class LineSplitter {
  public:
    explicit LineSplitter(std::size_t longest) : longest_(longest) {}

    /// The lines that are whole now, without their newlines (and carriage returns before those).
    std::vector<std::string> take(std::string_view bytes);

    /// What has come of a line without a newline, at the end; may be empty.
    std::string rest();

  private:
    void add(std::string_view piece);

    std::size_t longest_;
    std::string line_;
    bool cut_ = false;
};

} // namespace sluice::fleet
