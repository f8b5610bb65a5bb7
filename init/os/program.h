#pragma once

#include <string>
#include <vector>

namespace sluice::os {

/// A program that was looked up.
struct Program {
    std::string path; // to execute; on failure what was looked at last
    int error = 0;    // errno: ENOENT: not found, EACCES and the like: found, but not executable
};

/// Looks a program up as execvp(3) does: `name` itself if it has a slash, else in `search_path`, a
/// list of folders with colons between them (empty: the system's usual one).
Program find_program(const std::string& name, const std::string& search_path);

/// True for a file that begins with "#!".
bool is_script(const std::string& path);

/// "NAME=value" -> "value"; empty if there is no such variable.
std::string variable(const std::vector<std::string>& environment, const std::string& name);

} // namespace sluice::os
