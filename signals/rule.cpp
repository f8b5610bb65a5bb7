#include "signals/rule.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "signals/names.h"

namespace sluice::signals {

bool can_have_rule(int signal) {
    return signal != SIGCHLD && std::ranges::binary_search(catchable(), signal);
}

std::optional<Rule> parse_rule(std::string_view text) {
    if (text == "drain") return Rule{Meaning::drain};
    if (text == "reload") return Rule{Meaning::reload};
    if (text == "ignore") return Rule{Meaning::ignore};
    if (text == "forward") return Rule{Meaning::forward};
    constexpr std::string_view forward_to = "forward ";
    if (!text.starts_with(forward_to)) return {};
    // What is sent, unlike what is received, may be any signal: KILL and STOP, too.
    const auto target = number_of(text.substr(forward_to.size()));
    if (!target) return {};
    return Rule{Meaning::forward, *target};
}

std::optional<std::pair<int, Rule>> parse_rewrite(std::string_view text) {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return {};
    const auto from = number_of(text.substr(0, colon));
    const auto to = number_of(text.substr(colon + 1));
    if (!from || !to || !can_have_rule(*from)) return {};
    return std::pair{*from, Rule{Meaning::forward, *to}};
}

} // namespace sluice::signals
