#include "fleet/choice.h"

#include <fnmatch.h>

#include <algorithm>

#include "config/quote.h"

namespace sluice::fleet {

namespace {

constexpr const char* project_label = "com.docker.compose.project";

bool has(const Listed& container, const Choice::Label& label) {
    const auto found = container.labels.find(label.key);
    return found != container.labels.end() && (!label.value || found->second == *label.value);
}

} // namespace

std::optional<Choice::Label> parse_label(std::string_view text) {
    const auto equals = text.find('=');
    Choice::Label label{.key = std::string(text.substr(0, equals))};
    if (label.key.empty()) return {};
    if (equals != std::string_view::npos) label.value = text.substr(equals + 1);
    return label;
}

bool matches(const Choice& choice, const Listed& container) {
    const auto is_called = [&](const std::string& pattern) {
        return ::fnmatch(pattern.c_str(), container.name.c_str(), 0) == 0;
    };
    return std::ranges::all_of(choice.labels,
                               [&](const auto& label) { return has(container, label); }) &&
           (choice.names.empty() || std::ranges::any_of(choice.names, is_called)) &&
           (choice.project.empty() || has(container, {project_label, choice.project}));
}

std::string in_words(const Choice& choice) {
    std::string words;
    const auto add = [&](const std::string& what, const std::string& value) {
        words += (words.empty() ? "" : ", ") + what + " " + config::shown(value);
    };
    for (const auto& label : choice.labels) {
        add("label", label.key + (label.value ? "=" + *label.value : ""));
    }
    for (const auto& name : choice.names) add("name", name);
    if (!choice.project.empty()) add("project", choice.project);
    return words;
}

bool is_sluice(std::string_view program) {
    return program.substr(program.rfind('/') + 1) == "sluice"; // npos + 1 is 0
}

std::optional<bool> started_with_sluice(const Container& container) {
    if (!container.command.empty() && is_sluice(container.command.front())) return true;
    if (container.pid == 0) return false;
    return {};
}

std::vector<std::string> words_of_first(const Container& container,
                                        const std::vector<Process>& processes) {
    std::vector<std::string> words;
    const auto first = std::ranges::find(processes, container.pid, &Process::pid);
    if (first == processes.end()) return words;
    std::string_view rest = first->command;
    while (!rest.empty()) {
        const auto end = std::min(rest.find(' '), rest.size());
        if (end > 0) words.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return words;
}

bool runs_sluice(const Container& container, const std::vector<Process>& processes) {
    const auto words = words_of_first(container, processes);
    return !words.empty() && is_sluice(words.front());
}

bool runs_known_service(const std::vector<std::string>& words) {
    return std::ranges::any_of(words, [](std::string_view word) {
        const auto name = word.substr(word.rfind('/') + 1);
        return name.starts_with("php-fpm") || name == "nginx";
    });
}

std::vector<std::string> programs(const Container& container) {
    std::vector<std::string> paths;
    if (started_with_sluice(container) == true) paths.push_back(container.command.front());
    if (container.first_is_pid_1) paths.emplace_back("/proc/1/exe");
    if (paths.empty()) paths.emplace_back("sluice");
    return paths;
}

bool checks_by_sluice(const Container& container) {
    const auto& test = container.health_check;
    if (test.size() == 3 && test[0] == "CMD") return is_sluice(test[1]) && test[2] == "health";
    return test.size() == 2 && test[0] == "CMD-SHELL" && test[1] == "sluice health";
}

} // namespace sluice::fleet
