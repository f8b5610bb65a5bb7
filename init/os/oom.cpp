#include "init/os/oom.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>
#include <string>

#include "init/os/descriptor.h"
#include "init/os/text_file.h"

namespace sluice::os {

namespace {

std::string file_of(pid_t pid) {
    return "/proc/" + std::to_string(pid) + "/oom_score_adj";
}

std::optional<int> score_of(pid_t pid) {
    const auto text = text_of(file_of(pid));
    int score = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), score);
    if (error != std::errc{}) return {};
    return score;
}

/// False if it is refused; a process that is gone refuses nothing.
bool set(pid_t pid, int score) {
    const Descriptor file(::open(file_of(pid).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno == ENOENT;
    const auto text = std::to_string(score);
    return ::write(file.get(), text.data(), text.size()) >= 0 || errno == ESRCH;
}

} // namespace

int own_oom_score() {
    return score_of(::getpid()).value_or(0);
}

bool can_set_oom_score(const std::vector<pid_t>& processes) {
    for (const pid_t pid : processes) {
        const auto score = score_of(pid);
        if (score && !set(pid, *score)) return false;
    }
    return true;
}

void make_first_victims(const std::vector<pid_t>& processes) {
    for (const pid_t pid : processes) set(pid, first_victim);
}

bool spare(const std::vector<pid_t>& processes) {
    const int own = own_oom_score();
    bool all = true;
    for (const pid_t pid : processes) {
        if (score_of(pid) == first_victim) all = set(pid, own) && all;
    }
    return all;
}

void become_first_victim() noexcept {
    const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0) return;
    constexpr char text[] = {'1', '0', '0', '0'};
    [[maybe_unused]] const auto written = ::write(file, text, sizeof text);
    ::close(file);
}

} // namespace sluice::os
