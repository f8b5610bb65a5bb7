#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::signals {

/// What a signal that reaches sluice means.
enum class Meaning {
    drain,   // stop the service, losing nothing
    reload,  // have the service take up its code and configuration again
    forward, // pass it on
    ignore,  // log it, nothing else
};

struct Rule {
    Meaning meaning = Meaning::forward;
    int forward_as = 0; // with forward: the signal to send; 0: the one that came

    bool operator==(const Rule&) const = default;
};

/// Signal number -> rule. A signal that is not in it is forwarded as it came.
using Rules = std::map<int, Rule>;

/// Reads the value of a `[signals]` entry: "drain", "reload", "forward", "forward QUIT", "ignore".
/// Nothing where the text is none of them or names a signal that does not exist.
std::optional<Rule> parse_rule(std::string_view text);

/// Reads the command line's `FROM:TO` (names or numbers): the signal and "forward TO".
/// Nothing where one of them is no signal, or where FROM is one that can have no rule.
std::optional<std::pair<int, Rule>> parse_rewrite(std::string_view text);

/// True for a signal that a rule may stand for: catchable, and not CHLD, which sluice needs itself.
bool can_have_rule(int signal);

} // namespace sluice::signals
