#include "init/core/room.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "init/core/lines.h"

namespace sluice::core {

namespace {

constexpr std::uint64_t mebibyte = std::uint64_t{1'024} * 1'024;

// Version 1 writes "no limit" as the largest number of whole pages, which differs with their size.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60U;

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    return a > most - b ? most : a + b;
}

std::uint64_t difference(std::uint64_t a, std::uint64_t b) {
    return a > b ? a - b : 0;
}

/// Takes the next word off the text, and what separates it from the word after it.
std::string_view take_word(std::string_view& text) {
    constexpr std::string_view blank = " \t";
    text.remove_prefix(std::min(text.find_first_not_of(blank), text.size()));
    const auto word = text.substr(0, text.find_first_of(blank));
    text.remove_prefix(word.size());
    return word;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end == text.data()) return {};
    return value;
}

/// The number in the line "label number ...".
std::optional<std::uint64_t> value_of(std::string_view text, std::string_view label) {
    while (!text.empty()) {
        auto line = take_line(text);
        if (take_word(line) == label) return number(take_word(line));
    }
    return {};
}

std::optional<std::uint64_t> bytes_of(std::string_view text, std::string_view label) {
    const auto kibibytes = value_of(text, label);
    if (!kibibytes) return {};
    return *kibibytes > no_limit / 1'024 ? no_limit : *kibibytes * 1'024;
}

std::optional<std::uint64_t> limit_of(std::optional<std::uint64_t> bytes) {
    return bytes && *bytes < no_limit ? bytes : std::nullopt;
}

bool lists(std::string_view names, std::string_view name) {
    while (!names.empty()) {
        const auto first = names.substr(0, names.find(','));
        if (first == name) return true;
        names.remove_prefix(std::min(first.size() + 1, names.size()));
    }
    return false;
}

struct OwnCgroup {
    int version;
    std::string_view path;
};

// Lines "number:controllers:path". On a machine with both versions the controller is in one only.
std::optional<OwnCgroup> own_cgroup(std::string_view cgroup) {
    std::optional<OwnCgroup> unified;
    while (!cgroup.empty()) {
        const auto line = take_line(cgroup);
        const auto first = line.find(':');
        const auto second =
            first == std::string_view::npos ? std::string_view::npos : line.find(':', first + 1);
        if (second == std::string_view::npos) continue;
        const auto controllers = line.substr(first + 1, second - first - 1);
        const auto path = line.substr(second + 1);
        if (lists(controllers, "memory")) return OwnCgroup{1, path};
        if (controllers.empty()) unified = OwnCgroup{2, path};
    }
    return unified;
}

bool is_octal(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '7'; });
}

// Blanks in a path are written as "\040".
std::string unescaped(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size() && is_octal(text.substr(i + 1, 3))) {
            const auto code =
                (text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0');
            plain += static_cast<char>(code);
            i += 3;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

struct Mount {
    std::string root; // the cgroup that is mounted
    std::string place;
};

// "id parent device root place options [optional...] - type source options"
std::optional<Mount> cgroup_mount(std::string_view line, int version) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) return {};
    auto head = line.substr(0, dash);
    auto tail = line.substr(dash + 3);
    const auto type = take_word(tail);
    take_word(tail);
    const bool shows_memory =
        version == 2 ? type == "cgroup2" : type == "cgroup" && lists(take_word(tail), "memory");
    if (!shows_memory) return {};
    for (int skipped = 0; skipped < 3; ++skipped) take_word(head);
    const auto root = take_word(head);
    return Mount{unescaped(root), unescaped(take_word(head))};
}

/// The part of the path below the root, with its '/'; nothing if it is not below it.
std::string_view below(std::string_view path, std::string_view root) {
    if (root == "/") root = {};
    if (!path.starts_with(root)) return {};
    path.remove_prefix(root.size());
    // A process outside of its namespace's root is shown as "/../..": there is no way there.
    if (path == "/" || !path.starts_with('/') || path.find("/..") != std::string_view::npos)
        return {};
    return path;
}

std::string in_mebibytes(std::uint64_t bytes) {
    return std::to_string(bytes / mebibyte + (bytes % mebibyte >= mebibyte / 2 ? 1 : 0)) + " MiB";
}

} // namespace

std::optional<CgroupPlace> cgroup_place(std::string_view cgroup, std::string_view mountinfo) {
    const auto own = own_cgroup(cgroup);
    if (!own) return {};
    while (!mountinfo.empty()) {
        const auto mount = cgroup_mount(take_line(mountinfo), own->version);
        if (!mount || !mount->place.starts_with('/')) continue;
        return CgroupPlace{own->version, mount->place,
                           mount->place + std::string(below(own->path, mount->root))};
    }
    return {};
}

MemoryLevel memory_level(std::string_view limit, std::string_view current, std::string_view stat) {
    MemoryLevel level{.limit = limit_of(number(limit))};
    // Version 1 tells the smallest limit up the tree, also of levels that a container cannot see.
    if (const auto above = limit_of(value_of(stat, "hierarchical_memory_limit"))) {
        level.limit = std::min(level.limit.value_or(*above), *above);
    }
    // Its plain "inactive_file" is without the cgroups below, which the use includes.
    auto droppable = value_of(stat, "total_inactive_file");
    if (!droppable) droppable = value_of(stat, "inactive_file");
    level.used = difference(number(current).value_or(0), droppable.value_or(0));
    return level;
}

std::optional<MemoryLevel> tightest(const std::vector<MemoryLevel>& levels) {
    std::optional<MemoryLevel> found;
    std::uint64_t least_left = 0;
    for (const auto& level : levels) {
        if (!level.limit) continue;
        const auto left = difference(*level.limit, level.used);
        if (found && (left > least_left || (left == least_left && level.limit >= found->limit))) {
            continue;
        }
        found = level;
        least_left = left;
    }
    return found;
}

std::optional<ProcessMemory> process_memory(std::string_view status) {
    const auto anonymous = bytes_of(status, "RssAnon:");
    const auto shared = bytes_of(status, "RssShmem:");
    if (!anonymous || !shared) return {};
    return ProcessMemory{*anonymous, *shared};
}

std::uint64_t memory_of_generation(const std::vector<ProcessMemory>& processes) {
    std::uint64_t own = 0;
    std::uint64_t shared = 0;
    for (const auto& process : processes) {
        const bool is_master = &process == &processes.front();
        const auto inherited = is_master ? 0 : processes.front().anonymous;
        own = sum(own, difference(process.anonymous, inherited));
        shared = std::max(shared, process.shared);
    }
    return sum(own, shared);
}

std::uint64_t margin_of(std::uint64_t needed) {
    constexpr auto least = 16 * mebibyte;
    return std::max(least, needed / 4);
}

std::optional<std::string> room(std::optional<std::uint64_t> limit, std::uint64_t used,
                                std::uint64_t needed) {
    const auto margin = margin_of(needed);
    if (!limit || sum(sum(used, needed), margin) <= *limit) return {};
    std::string text = "two generations do not fit: limit ";
    text += in_mebibytes(*limit);
    text += ", in use ";
    text += in_mebibytes(used);
    text += ", the running generation takes ";
    text += in_mebibytes(needed);
    text += ", to spare are to be ";
    text += in_mebibytes(margin);
    text += "; raise the memory limit, lower pm.max_children, or set reload.low_memory";
    return text;
}

} // namespace sluice::core
