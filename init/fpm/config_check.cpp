#include "init/fpm/config_check.h"

#include <algorithm>
#include <string_view>

#include "init/core/lines.h"

namespace sluice::fpm {

namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto line = core::take_line(text);
        while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
        if (!line.empty()) lines.push_back(line);
    }
    return lines;
}

// "[23-Nov-2026 04:58:45] ERROR: ..." without its time.
std::string_view without_time(std::string_view line) {
    const auto end = line.find("] ");
    return line.starts_with('[') && end != std::string_view::npos ? line.substr(end + 2) : line;
}

std::optional<std::string> between(std::string_view text, std::string_view before,
                                   std::string_view after) {
    const auto start = text.find(before);
    if (start == std::string_view::npos) return {};
    text.remove_prefix(start + before.size());
    const auto end = text.rfind(after);
    if (end == std::string_view::npos || end == 0) return {};
    return std::string(text.substr(0, end));
}

} // namespace

std::optional<std::string> config_path_in(const std::string& output) {
    for (const auto line : lines_of(output)) {
        if (auto path = between(line, "configuration file ", " test is ")) return path;
        if (auto path = between(line, "failed to load configuration file '", "'")) return path;
    }
    return {};
}

std::vector<std::string> usual_config_paths(const std::string& program) {
    std::string version = program.substr(program.rfind('/') + 1);
    version.erase(0, std::string_view("php-fpm").size());
    std::string digits = version;
    std::erase(digits, '.');
    std::vector<std::string> paths;
    if (!version.empty()) {
        paths.push_back("/etc/php/" + version + "/fpm/php-fpm.conf");
        paths.push_back("/etc/php" + digits + "/php-fpm.conf");
    }
    paths.insert(paths.end(), {"/usr/local/etc/php-fpm.conf", "/etc/php-fpm.conf"});
    return paths;
}

std::string complaints_in(const std::string& output) {
    std::vector<std::string_view> complaints;
    for (const auto line : lines_of(output)) {
        const auto text = without_time(line);
        if (std::ranges::find(complaints, text) == complaints.end()) complaints.push_back(text);
    }
    std::string joined;
    for (const auto complaint : complaints) {
        if (!joined.empty()) joined += "; ";
        joined += complaint;
    }
    return joined;
}

std::string cure_for(const std::string& complaints) {
    // opcache's, on a read-only root file system: it says neither where nor what it is for.
    if (complaints.find("Unable to create lock file") == std::string::npos) return {};
    return "; opcache needs a folder that it can write to: give the container a /tmp (docker run "
           "--tmpfs /tmp), or name another in opcache.lockfile_path";
}

} // namespace sluice::fpm
