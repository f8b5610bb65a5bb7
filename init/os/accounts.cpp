#include "init/os/accounts.h"

#include <charconv>
#include <fstream>
#include <limits>
#include <string_view>

namespace sluice::os {

namespace {

std::optional<unsigned> number(std::string_view digits) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    // The highest one means "no change" to chown(2).
    if (!whole || value == std::numeric_limits<unsigned>::max()) return {};
    return value;
}

// "www-data:x:33:33:..." in both files: the name, a password, the id.
std::optional<unsigned> look_up(const std::string& file, const std::string& name) {
    if (name.empty()) return {};
    if (const auto id = number(name)) return id;
    std::ifstream lines(file);
    const auto start = name + ":";
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with(start)) continue;
        const auto password_end = line.find(':', start.size());
        if (password_end == std::string::npos) continue;
        const auto id_end = line.find(':', password_end + 1);
        return number(std::string_view(line).substr(password_end + 1, id_end - password_end - 1));
    }
    return {};
}

} // namespace

std::optional<uid_t> user_id(const std::string& name) {
    return look_up("/etc/passwd", name);
}

std::optional<gid_t> group_id(const std::string& name) {
    return look_up("/etc/group", name);
}

} // namespace sluice::os
