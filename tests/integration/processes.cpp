#include "processes.h"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <fstream>
#include <sstream>

#include "await.h"
#include "temp_folder.h"

namespace tests {

namespace {

std::string folder_of(pid_t pid) {
    return "/proc/" + std::to_string(pid);
}

std::vector<pid_t> all_pids() {
    std::vector<pid_t> pids;
    DIR* const folder = ::opendir("/proc");
    while (const dirent* const entry = ::readdir(folder)) {
        const std::string name(static_cast<const char*>(entry->d_name));
        if (name.find_first_not_of("0123456789") == std::string::npos) {
            pids.push_back(std::stoi(name));
        }
    }
    ::closedir(folder);
    return pids;
}

} // namespace

std::optional<ProcessState> state_of(pid_t pid) {
    const auto text = read_file(folder_of(pid) + "/stat");
    const auto name_end = text.rfind(')');
    if (name_end == std::string::npos) return {};
    std::istringstream rest(text.substr(name_end + 1));
    ProcessState process{};
    rest >> process.state >> process.parent >> process.group >> process.session;
    constexpr int between = 15; // proc_pid_stat(5): fields 7 to 21
    std::string other;
    for (int field = 0; field < between; ++field) rest >> other;
    rest >> process.started;
    if (!rest) return {};
    return process;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> children;
    for (const pid_t other : all_pids()) {
        const auto process = state_of(other);
        if (process && process->parent == pid) children.push_back(other);
    }
    return children;
}

std::vector<pid_t> descendants_of(pid_t pid) {
    std::vector<std::pair<pid_t, pid_t>> all; // process, parent
    for (const pid_t other : all_pids()) {
        if (const auto process = state_of(other)) all.emplace_back(other, process->parent);
    }
    std::vector<pid_t> found{pid};
    for (std::size_t next = 0; next < found.size(); ++next) {
        for (const auto& [process, parent] : all) {
            if (parent == found[next] && std::ranges::find(found, process) == found.end()) {
                found.push_back(process);
            }
        }
    }
    found.erase(found.begin());
    return found;
}

std::string status_field(pid_t pid, const std::string& name) {
    std::istringstream lines(read_file(folder_of(pid) + "/status"));
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(name + ":\t")) return line.substr(name.size() + 2);
    }
    return {};
}

std::string program_of(pid_t pid) {
    std::array<char, PATH_MAX> path{};
    const auto size = ::readlink((folder_of(pid) + "/exe").c_str(), path.data(), path.size());
    return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

bool exists(pid_t pid) {
    return state_of(pid).has_value();
}

bool is_suspended(pid_t pid) {
    const auto process = state_of(pid);
    return process && process->state == 'T';
}

int zombies_below(pid_t pid) {
    int count = 0;
    for (const pid_t process : descendants_of(pid)) {
        const auto state = state_of(process);
        if (state && state->state == 'Z') ++count;
    }
    return count;
}

void kill_tree(pid_t pid) {
    const auto all_dead = [pid] {
        bool any = false;
        for (const pid_t process : descendants_of(pid)) {
            const auto state = state_of(process);
            if (!state || state->state == 'Z') continue;
            ::kill(process, SIGKILL);
            any = true;
        }
        return !any;
    };
    eventually(all_dead, 10s);
}

void adopt_orphans() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void reap_adopted() {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
}

} // namespace tests
