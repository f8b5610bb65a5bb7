#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::core {

/// What comes after the last slash.
inline std::string_view file_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

/// Where in a command a program stands that is looked for: first, or past each script at the
/// front, and past a "--" of the last one. Nothing where it stands elsewhere: then it is an
/// argument of something else.
std::optional<std::size_t>
place_of_program(const std::vector<std::string>& command,
                 const std::function<bool(const std::string& word)>& is_program,
                 const std::function<bool(const std::string& word)>& is_script);

/// A warning for `sh -c "... php-fpm ..."`, first or behind an entrypoint script, which hides
/// PHP-FPM, or nginx; empty for anything else.
std::string shell_form_warning(const std::vector<std::string>& command);

} // namespace sluice::core
