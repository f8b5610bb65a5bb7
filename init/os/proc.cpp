#include "init/os/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <map>
#include <memory>
#include <sstream>
#include <string_view>

#include "init/os/descriptor.h"

namespace sluice::os {

namespace {

std::string read_file(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    std::array<char, 4'096> buffer;
    const auto size = ::read(file.get(), buffer.data(), buffer.size());
    return size > 0 ? std::string(buffer.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string read_link(const std::string& path) {
    std::array<char, PATH_MAX> target;
    const auto size = ::readlink(path.c_str(), target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

using Folder = std::unique_ptr<DIR, CloseFolder>;

std::string folder_of(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

template <typename Number>
std::optional<Number> parse(std::string_view digits, int base = 10) {
    Number number{};
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (error != std::errc{} || end == digits.data()) return {};
    return number;
}

struct Stat {
    char state;
    pid_t parent;
};

// /proc/<pid>/stat: "pid (name) state parent ..."; the name may hold anything.
std::optional<Stat> read_stat(pid_t pid) {
    const auto text = read_file(folder_of(pid) + "/stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos || name_end + 4 >= text.size()) return {};
    const auto parent = parse<pid_t>(std::string_view(text).substr(name_end + 4));
    if (!parent) return {};
    return Stat{text[name_end + 2], *parent};
}

std::optional<Process> read_process(pid_t pid) {
    const auto stat = read_stat(pid);
    if (!stat) return {};
    return Process{pid, stat->parent, stat->state == 'Z' || stat->state == 'X'};
}

// /proc/<pid>/status: "SigCgt:\t0000000180014a03"
std::optional<unsigned long long> mask_of(pid_t pid, const std::string& name) {
    const auto status = read_file(folder_of(pid) + "/status");
    const auto label = name + ":\t";
    const auto at = status.find(label);
    if (at == std::string::npos) return {};
    return parse<unsigned long long>(std::string_view(status).substr(at + label.size(), 16), 16);
}

} // namespace

bool catches(pid_t pid, int signal) {
    const auto mask = mask_of(pid, "SigCgt");
    return mask && ((*mask >> (signal - 1)) & 1U) != 0;
}

bool is_paused(pid_t pid) {
    const auto stat = read_stat(pid);
    return !stat || stat->state == 'T';
}

std::optional<pid_t> parent_of(pid_t pid) {
    const auto stat = read_stat(pid);
    if (!stat) return {};
    return stat->parent;
}

// Two lines "Tcp: name name ..." and "Tcp: number number ...".
std::optional<std::uint64_t> tcp_resets_sent() {
    std::istringstream text(read_file("/proc/self/net/snmp"));
    std::string names;
    std::string numbers;
    for (std::string line; std::getline(text, line);) {
        if (!line.starts_with("Tcp: ")) continue;
        if (names.empty()) {
            names = line;
        } else {
            numbers = line;
        }
    }
    std::istringstream name_words(names);
    std::istringstream number_words(numbers);
    std::string name;
    std::string number;
    while (name_words >> name && number_words >> number) {
        if (name == "OutRsts") return parse<std::uint64_t>(number);
    }
    return {};
}

std::vector<Process> processes() {
    std::vector<Process> all;
    const Folder folder(::opendir("/proc"));
    if (!folder) return all;
    while (const dirent* const entry = ::readdir(folder.get())) {
        const std::string_view name(static_cast<const char*>(entry->d_name));
        if (name.front() < '0' || name.front() > '9') continue;
        const auto pid = parse<pid_t>(name);
        if (!pid) continue;
        if (const auto process = read_process(*pid)) all.push_back(*process);
    }
    return all;
}

std::vector<pid_t> descendants(const std::vector<Process>& all, pid_t root) {
    std::multimap<pid_t, pid_t> children;
    for (const auto& process : all) children.emplace(process.parent, process.pid);
    std::vector<pid_t> found{root};
    for (std::size_t next = 0; next < found.size(); ++next) {
        const auto [begin, end] = children.equal_range(found[next]);
        for (auto child = begin; child != end; ++child) found.push_back(child->second);
        children.erase(begin, end); // a list read while processes move may hold a circle
    }
    found.erase(found.begin());
    return found;
}

bool may_signal_other_users() {
    constexpr auto cap_kill = 5U; // linux/capability.h
    const auto effective = mask_of(::getpid(), "CapEff");
    return !effective || (*effective >> cap_kill & 1U) != 0;
}

bool has_child_out_of_reach(pid_t pid) {
    return std::ranges::any_of(processes(), [pid](const Process& process) {
        return process.parent == pid && !process.ended && ::kill(process.pid, 0) != 0 &&
               errno == EPERM;
    });
}

std::string command_line(pid_t pid) {
    auto text = read_file(folder_of(pid) + "/cmdline");
    std::ranges::replace(text, '\0', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

std::string working_folder(pid_t pid) {
    return read_link(folder_of(pid) + "/cwd");
}

std::optional<std::vector<std::string>> open_files(pid_t pid) {
    const auto folder_path = folder_of(pid) + "/fd";
    const Folder folder(::opendir(folder_path.c_str()));
    std::vector<std::string> files;
    if (!folder) {
        if (errno == EACCES || errno == EPERM) return {};
        return files; // it is gone
    }
    while (const dirent* const entry = ::readdir(folder.get())) {
        const std::string name(static_cast<const char*>(entry->d_name));
        if (name.front() == '.') continue;
        files.push_back(read_link((folder_path + '/').append(name)));
    }
    return files;
}

std::vector<int> open_descriptors() {
    std::vector<int> found;
    const Folder folder(::opendir("/proc/self/fd"));
    if (!folder) {
        for (int fd = 0; fd < 1'024; ++fd) {
            if (::fcntl(fd, F_GETFD) >= 0) found.push_back(fd);
        }
        return found;
    }
    while (const dirent* const entry = ::readdir(folder.get())) {
        const auto fd = parse<int>(static_cast<const char*>(entry->d_name));
        if (fd && *fd != ::dirfd(folder.get())) found.push_back(*fd);
    }
    return found;
}

} // namespace sluice::os
