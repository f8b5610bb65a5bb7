#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice::core {

/// Where in a command a program stands that is looked for: first, or past each script at the
/// front, and past a "--" of the last one. Nothing where it stands elsewhere: then it is an
/// argument of something else.
std::optional<std::size_t>
place_of_program(const std::vector<std::string>& command,
                 const std::function<bool(const std::string& word)>& is_program,
                 const std::function<bool(const std::string& word)>& is_script);

} // namespace sluice::core
