#include <string_view>

#include "init/core/plan.h"
#include "init/core/words.h"
#include "signals/names.h"

namespace sluice::core {

namespace {

std::string quoted(const std::string& word) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string text = "'";
    for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return text + "'";
}

std::string joined(const std::vector<std::string>& command) {
    std::string text;
    for (const auto& word : command) text += (text.empty() ? "" : " ") + quoted(word);
    return text;
}

std::string words_of(const signals::Rule& rule) {
    switch (rule.meaning) {
    case signals::Meaning::drain: return "drain";
    case signals::Meaning::reload: return "reload";
    case signals::Meaning::ignore: return "ignore";
    case signals::Meaning::forward: break;
    }
    return rule.forward_as == 0 ? "forward" : "forward " + signals::name_of(rule.forward_as);
}

std::string stop_words(const Stop& stop) {
    const auto signal = stop.signal ? signals::name_of(*stop.signal) : "the signal as it came";
    if (!stop.deadline) return signal + ", no deadline";
    using namespace std::chrono_literals;
    const bool announces = stop.announce > 0ms;
    const bool lingers = stop.owns_listeners && stop.linger > 0ms;
    return (announces ? "new connections are taken for " + in_words(stop.announce) + "; " : "") +
           signal + "; SIGTERM after " + in_words(*stop.deadline) + ", SIGKILL " +
           in_words(stop.kill_after) + " later" +
           (lingers ? "; at the end connections are refused for " + in_words(stop.linger) : "");
}

std::string restart_words(const Restarting& restarting) {
    if (restarting.when == config::Restart::no) return "no";
    const std::string when = restarting.when == config::Restart::always ? "always" : "on failure";
    return when + ", after " + in_words(restarting.backoff.first) + " to " +
           in_words(restarting.backoff.longest) + ", " + std::to_string(restarting.limit.count) +
           " times within " + in_words(restarting.limit.window) + " at most";
}

std::string reload_words(const Plan& plan) {
    const auto& reload = plan.reload;
    if (reload.strategy == config::Strategy::signal) {
        return "its own, by " + signals::name_of(*plan.reload_signal) +
               (reload.checked ? ", after its configuration was checked" : "");
    }
    auto text = std::string("a second generation ") +
                (reload.strategy == config::Strategy::shared ? "on the same listeners"
                                                             : "beside the first") +
                ", ready within " + in_words(reload.ready) + "; then the first has " +
                in_words(reload.retire) + " to finish";
    if (!plan.release.empty()) text += "; release " + plan.release;
    return text;
}

} // namespace

const char* to_string(config::Kind kind) {
    switch (kind) {
    case config::Kind::php_fpm: return "php-fpm";
    case config::Kind::nginx: return "nginx";
    case config::Kind::plain: return "plain";
    }
    return "?";
}

std::string describe(const Plan& plan) {
    std::string text;
    const auto line = [&](std::string_view label, const std::string& value) {
        text += std::string(label) + std::string(12 - label.size(), ' ') + value + "\n";
    };
    line("kind", to_string(plan.kind));
    line("command", joined(plan.command));
    if (!plan.fpm_config.empty()) {
        std::string indented = plan.fpm_config;
        for (auto at = indented.find('\n'); at + 1 < indented.size();
             at = indented.find('\n', at + 1)) {
            indented.insert(at + 1, 12, ' ');
        }
        indented.pop_back();
        line("FPM config", indented);
    }
    for (const auto& listener : plan.listeners) line("listener", listener);
    if (!plan.features.empty()) line("kernel", plan.features);
    line("stop", stop_words(plan.stop));
    if (plan.reload_signal) line("reload", reload_words(plan));
    line("restart", restart_words(plan.restarting));
    for (const auto& [signal, rule] : plan.signals) {
        line("signal", signals::name_of(signal) + " = " + words_of(rule));
    }
    line("signal", plan.signal_group ? "all others are forwarded to the whole process group"
                                     : "all others are forwarded");
    for (const auto& [from, to] : plan.map_exit) {
        line("exit", std::to_string(from) + " becomes " + std::to_string(to));
    }
    for (const auto& notice : plan.notices) line("notice", notice);
    return text;
}

} // namespace sluice::core
