#include "signals/names.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace sluice::signals {

namespace {

struct Named {
    std::string_view name;
    int number;
};

constexpr std::array named{
    Named{"HUP", SIGHUP},
    Named{"INT", SIGINT},
    Named{"QUIT", SIGQUIT},
    Named{"ILL", SIGILL},
    Named{"TRAP", SIGTRAP},
    Named{"ABRT", SIGABRT},
    Named{"BUS", SIGBUS},
    Named{"FPE", SIGFPE},
    Named{"KILL", SIGKILL},
    Named{"USR1", SIGUSR1},
    Named{"SEGV", SIGSEGV},
    Named{"USR2", SIGUSR2},
    Named{"PIPE", SIGPIPE},
    Named{"ALRM", SIGALRM},
    Named{"TERM", SIGTERM},
    Named{"STKFLT", SIGSTKFLT},
    Named{"CHLD", SIGCHLD},
    Named{"CONT", SIGCONT},
    Named{"STOP", SIGSTOP},
    Named{"TSTP", SIGTSTP},
    Named{"TTIN", SIGTTIN},
    Named{"TTOU", SIGTTOU},
    Named{"URG", SIGURG},
    Named{"XCPU", SIGXCPU},
    Named{"XFSZ", SIGXFSZ},
    Named{"VTALRM", SIGVTALRM},
    Named{"PROF", SIGPROF},
    Named{"WINCH", SIGWINCH},
    Named{"IO", SIGIO},
    Named{"PWR", SIGPWR},
    Named{"SYS", SIGSYS},
    // Other names of the same numbers, after the ones that name_of gives.
    Named{"POLL", SIGPOLL},
    Named{"IOT", SIGIOT},
    Named{"CLD", SIGCHLD},
};

std::optional<int> parse_number(std::string_view digits) {
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return {};
    return number;
}

bool is_realtime(int number) {
    return number >= SIGRTMIN && number <= SIGRTMAX;
}

std::optional<int> realtime(std::string_view name) {
    const bool from_min = name.starts_with("RTMIN");
    if (!from_min && !name.starts_with("RTMAX")) return {};
    const int base = from_min ? SIGRTMIN : SIGRTMAX;
    const auto offset = name.substr(5);
    if (offset.empty()) return base;
    const char sign = from_min ? '+' : '-';
    const auto distance = offset.front() == sign ? parse_number(offset.substr(1)) : std::nullopt;
    if (!distance || *distance < 0 || *distance > SIGRTMAX - SIGRTMIN) return {};
    return from_min ? base + *distance : base - *distance;
}

} // namespace

std::optional<int> number_of(std::string_view text) {
    if (const auto number = parse_number(text)) {
        const bool ordinary = *number >= 1 && *number <= SIGSYS;
        if (!ordinary && !is_realtime(*number)) return {};
        return number;
    }
    std::string upper(text);
    std::ranges::transform(upper, upper.begin(),
                           [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    std::string_view name = upper;
    if (name.starts_with("SIG")) name.remove_prefix(3);
    const auto* const found = std::ranges::find(named, name, &Named::name);
    if (found != named.end()) return found->number;
    return realtime(name);
}

std::string name_of(int number) {
    const auto* const found = std::ranges::find(named, number, &Named::number);
    if (found != named.end()) return std::string(found->name);
    if (is_realtime(number)) {
        const int distance = number - SIGRTMIN;
        return distance == 0 ? "RTMIN" : "RTMIN+" + std::to_string(distance);
    }
    return std::to_string(number);
}

bool is_fault(int number) {
    return std::ranges::find(faults, number) != faults.end();
}

const std::vector<int>& catchable() {
    static const std::vector<int> all = [] {
        std::vector<int> numbers;
        for (int number = 1; number <= SIGRTMAX; ++number) {
            const bool libc_own = number > SIGSYS && number < SIGRTMIN;
            if (number == SIGKILL || number == SIGSTOP || libc_own || is_fault(number)) continue;
            numbers.push_back(number);
        }
        return numbers;
    }();
    return all;
}

} // namespace sluice::signals
