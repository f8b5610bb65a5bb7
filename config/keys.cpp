#include "config/keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <type_traits>
#include <utility>

#include "config/quote.h"
#include "config/values.h"
#include "signals/names.h"

namespace sluice::config {

namespace {

using namespace std::string_view_literals;

constexpr std::array kinds{"php-fpm"sv, "nginx"sv, "plain"sv};
constexpr std::array restarts{"no"sv, "on-failure"sv, "always"sv};
constexpr std::array levels{"debug"sv, "info"sv, "warning"sv, "error"sv};
constexpr std::array formats{"text"sv, "json"sv};

// How one type of value is read and written.
struct DurationText {
    static auto read(std::string_view text) { return parse_duration(text); }

    static auto write(Duration value) { return text_of(value); }
};

struct BackoffText {
    static auto read(std::string_view text) { return parse_backoff(text); }

    static auto write(const Backoff& value) { return text_of(value); }
};

struct LimitText {
    static auto read(std::string_view text) { return parse_restart_limit(text); }

    static auto write(const RestartLimit& value) { return text_of(value); }
};

struct SignalText {
    static auto read(std::string_view text) { return signals::number_of(text); }

    static auto write(int value) { return signals::name_of(value); }
};

// The names stand in the order of the enumerators, from 0; a test goes through all of them.
template <class Enum, const auto& names>
struct ChoiceText {
    static std::optional<Enum> read(std::string_view text) {
        const auto* const found = std::ranges::find(names, text);
        if (found == names.end()) return {};
        return static_cast<Enum>(found - names.begin());
    }

    static std::string write(Enum value) {
        return std::string(names.at(static_cast<std::size_t>(value)));
    }
};

template <class T>
const T* pointer_to(const T& value) {
    return &value;
}

template <class T>
const T* pointer_to(const std::optional<T>& value) {
    return value ? &*value : nullptr;
}

template <class Text, auto field>
constexpr Key scalar(std::string_view name, Type type, Default usual, std::string_view help,
                     std::span<const std::string_view> choices = {}) {
    constexpr auto parse = [](std::string_view text, Settings& settings) {
        const auto value = Text::read(text);
        if (value) field(settings) = *value;
        return value.has_value();
    };
    constexpr auto print = [](const Settings& settings) -> std::optional<std::string> {
        const auto* const value = pointer_to(field(settings));
        if (value == nullptr) return {};
        return toml_string(Text::write(*value));
    };
    return Key{name, type, choices, usual, help, parse, print};
}

constexpr Default always(std::string_view value) {
    return {value, value, value, true};
}

constexpr Default in_words(std::string_view words) {
    return {words, words, words};
}

// A server has deadlines; a program that sluice knows nothing of has none.
constexpr Default of_servers(std::string_view server, std::string_view plain) {
    return {server, server, plain};
}

bool add_argument(std::string_view text, Settings& settings) {
    settings.service.command.emplace_back(text);
    return true;
}

std::optional<std::string> print_command(const Settings& settings) {
    if (settings.service.command.empty()) return {};
    std::string list;
    for (const auto& argument : settings.service.command)
        list += (list.empty() ? "[" : ", ") + toml_string(argument);
    return list + "]";
}

std::optional<std::string> print_no_single_value(const Settings& /*settings*/) {
    return {};
}

constexpr auto kind = [](auto& s) -> auto& {
    return s.service.kind;
};
constexpr auto stop_signal = [](auto& s) -> auto& {
    return s.service.stop_signal;
};
constexpr auto restart = [](auto& s) -> auto& {
    return s.service.restart;
};
constexpr auto restart_backoff = [](auto& s) -> auto& {
    return s.service.restart_backoff;
};
constexpr auto restart_limit = [](auto& s) -> auto& {
    return s.service.restart_limit;
};
constexpr auto announce = [](auto& s) -> auto& {
    return s.drain.announce;
};
constexpr auto queue = [](auto& s) -> auto& {
    return s.drain.queue;
};
constexpr auto deadline = [](auto& s) -> auto& {
    return s.drain.deadline;
};
constexpr auto kill_after = [](auto& s) -> auto& {
    return s.drain.kill_after;
};
constexpr auto linger = [](auto& s) -> auto& {
    return s.drain.linger;
};
constexpr auto level = [](auto& s) -> auto& {
    return s.log.level;
};
constexpr auto format = [](auto& s) -> auto& {
    return s.log.format;
};

constexpr std::array table{
    Key{"service.command",
        Type::string_list,
        {},
        in_words("the command line"),
        "The program and its arguments, run when the command line gives none.",
        add_argument,
        print_command},
    scalar<ChoiceText<Kind, kinds>, kind>(
        "service.kind", Type::choice, in_words("recognised from the command"),
        "How much sluice does: all that it knows of PHP-FPM or of nginx, or forwarding and reaping "
        "only.",
        kinds),
    scalar<SignalText, stop_signal>("service.stop_signal", Type::signal,
                                    of_servers("QUIT", "the signal that came"),
                                    "What a drain sends to the service."),
    scalar<ChoiceText<Restart, restarts>, restart>(
        "service.restart", Type::choice, of_servers("on-failure", "no"),
        "When a service that ended by itself is started again.", restarts),
    scalar<BackoffText, restart_backoff>("service.restart_backoff", Type::backoff,
                                         always("100ms..5s"),
                                         "The pause before a new start: the first one, doubled "
                                         "after each death, up to the longest."),
    scalar<LimitText, restart_limit>(
        "service.restart_limit", Type::limit, always("5 in 60s"),
        "So many restarts in so long a time; after one death more sluice exits with the service's "
        "status."),
    Key{"signals.NAME",
        Type::signal_rules,
        {},
        {"TERM, INT, QUIT drain; HUP, USR2 reload; all else is forwarded",
         "TERM, INT, QUIT drain; all else is forwarded (HUP: nginx reloads)",
         "all are forwarded; with a drain.deadline or a restart TERM, INT, QUIT drain"},
        "What a signal means that reaches sluice. NAME is a signal's name or number, quoted when "
        "it has a plus sign: \"RTMIN+3\".",
        nullptr,
        print_no_single_value},
    scalar<DurationText, announce>(
        "drain.announce", Type::duration, always("0s"),
        "From the drain signal, how long new connections are still taken, so that a balancer that "
        "cannot see a refusal (Docker's proxy, a VIP) learns of the stop first."),
    scalar<DurationText, queue>(
        "drain.queue", Type::duration, always("2s"),
        "Where the kernel cannot refuse new connections without losing those that wait: how long "
        "the accept queue may take to run empty by itself before handshakes are held off."),
    scalar<DurationText, deadline>(
        "drain.deadline", Type::duration, of_servers("9s", "none"),
        "From the drain signal to SIGTERM. Keep it, and kill_after, within what Docker allows (10 "
        "s unless stop_grace_period says otherwise). \"0s\": no deadline."),
    scalar<DurationText, kill_after>("drain.kill_after", Type::duration, always("500ms"),
                                     "From that SIGTERM to SIGKILL."),
    scalar<DurationText, linger>(
        "drain.linger", Type::duration, always("0s"),
        "How long a container that has been drained goes on refusing new connections before it "
        "ends: the address of a container that is gone does not refuse, it hangs."),
    scalar<ChoiceText<LogLevel, levels>, level>("log.level", Type::choice,
                                                of_servers("info", "warning"),
                                                "The least important messages to log.", levels),
    scalar<ChoiceText<LogFormat, formats>, format>("log.format", Type::choice, always("text"),
                                                   "One line of text, or one JSON object, each.",
                                                   formats),
};

constexpr std::array section_names{"service"sv, "signals"sv, "drain"sv, "log"sv};

// `"no", "on-failure" or "always"`
std::string alternatives(std::span<const std::string_view> choices) {
    std::string text;
    for (std::size_t at = 0; at < choices.size(); ++at) {
        if (at > 0) text += at + 1 == choices.size() ? " or " : ", ";
        text += '"' + std::string(choices[at]) + '"';
    }
    return text;
}

constexpr auto rules = R"("drain", "reload", "forward", "forward NAME" or "ignore")"sv;

} // namespace

std::span<const Key> keys() {
    return table;
}

std::span<const std::string_view> sections() {
    return section_names;
}

const Key* find_key(std::string_view name) {
    const auto* const found = std::ranges::find(table, name, &Key::name);
    if (found == table.end() || found->type == Type::signal_rules) return nullptr;
    return found;
}

std::string_view section_of(const Key& key) {
    return key.name.substr(0, key.name.find('.'));
}

std::string_view name_in_section(const Key& key) {
    return key.name.substr(key.name.find('.') + 1);
}

std::string environment_name(const Key& key) {
    std::string name = "SLUICE_";
    for (const char c : key.name) {
        const auto upper = std::toupper(static_cast<unsigned char>(c));
        name += c == '.' ? '_' : static_cast<char>(upper);
    }
    return name;
}

bool can_come_from_environment(const Key& key) {
    return key.type != Type::string_list && key.type != Type::signal_rules;
}

std::string allowed(const Key& key) {
    switch (key.type) {
    case Type::duration: return R"(a duration up to "24h", such as "8s", "250ms", "2m")";
    case Type::backoff: return R"(the first pause and the longest, such as "100ms..5s")";
    case Type::limit: return R"(1 to 1000 restarts and a time, such as "5 in 60s")";
    case Type::choice: return alternatives(key.choices);
    case Type::signal: return R"(a signal's name or number, such as "QUIT" or "RTMIN+3")";
    case Type::string_list: return R"(an array of strings, such as ["php-fpm", "-R"])";
    case Type::signal_rules: return std::string(rules);
    }
    return {};
}

std::string refusal(const Key& key) {
    switch (key.type) {
    case Type::duration:
        return R"(is not a duration; write one as "8s", "250ms", "2m", up to "24h")";
    case Type::backoff:
        return R"(is not a back-off; write the first pause (1ms or more) and the longest, as in )"
               R"("100ms..5s")";
    case Type::limit:
        return R"(is not a limit; write 1 to 1000 restarts and a time of 1s or more, as in )"
               R"("5 in 60s")";
    case Type::choice: return "is not allowed; write " + alternatives(key.choices);
    case Type::signal:
        return R"(is not a signal; write a name or a number, as in "QUIT", "RTMIN+3", "15")";
    case Type::string_list: return R"(is not an array of strings; write one as ["php-fpm", "-R"])";
    case Type::signal_rules: return "is not allowed; write " + std::string(rules);
    }
    return {};
}

bool same_for_all_kinds(const Default& usual) {
    return usual.php_fpm == usual.nginx && usual.nginx == usual.plain;
}

std::string default_in_words(const Key& key) {
    std::string php_fpm(key.usual.php_fpm);
    if (same_for_all_kinds(key.usual)) return php_fpm;
    if (key.type == Type::signal_rules)
        return "php-fpm: " + php_fpm + "; nginx: " + std::string(key.usual.nginx) +
               "; plain: " + std::string(key.usual.plain);
    return php_fpm + " for php-fpm and nginx, " + std::string(key.usual.plain) + " for plain";
}

} // namespace sluice::config
