#include "config/apply.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <limits>
#include <utility>

#include "config/hint.h"
#include "config/keys.h"
#include "config/quote.h"
#include "signals/names.h"
#include "signals/rule.h"

namespace sluice::config {

namespace {

std::string_view article_and_name(Value::Type type) {
    switch (type) {
    case Value::Type::string: return "a string";
    case Value::Type::integer: return "an integer";
    case Value::Type::floating: return "a floating-point number";
    case Value::Type::boolean: return "a boolean";
    case Value::Type::date: return "a date or time";
    case Value::Type::array: return "an array";
    case Value::Type::table: return "a table";
    }
    return "a value";
}

// `"8"`, `8 (an integer)`, `an array`
std::string description(const Value& value) {
    if (value.type == Value::Type::string) return quoted(value.text);
    const std::string name(article_and_name(value.type));
    return value.text.empty() ? name : shown(value.text) + " (" + name + ")";
}

bool is_empty_string(const Value& value) {
    return value.type == Value::Type::string && value.text.empty();
}

const Key& signal_rules_key() {
    return *std::ranges::find(keys(), Type::signal_rules, &Key::type);
}

std::string unknown_signal(std::string_view name) {
    const bool key_of_another_section = std::ranges::any_of(keys(), [name](const Key& key) {
        return key.type != Type::signal_rules && name_in_section(key) == name;
    });
    if (key_of_another_section) return unknown_key(section_of(signal_rules_key()), name);
    std::vector<std::string> usual;
    for (const int signal : signals::catchable()) usual.push_back(signals::name_of(signal));
    const std::vector<std::string_view> candidates(usual.begin(), usual.end());
    const auto bare = name.starts_with("SIG") ? name.substr(3) : name;
    return "is not a signal; write a name or a number, as in TERM, SIGUSR1, \"RTMIN+3\"" +
           did_you_mean(bare, candidates);
}

// What is wrong with a name below [signals]; empty: nothing.
std::string signal_objection(const std::string& name) {
    const auto number = signals::number_of(name);
    if (!number) return unknown_signal(name);
    if (signals::can_have_rule(*number)) return {};
    if (*number == SIGKILL || *number == SIGSTOP)
        return "never reaches sluice: the kernel lets no process catch it; remove this line";
    if (signals::is_fault(*number))
        return "stands for a fault in the process that gets it, so it is never forwarded; remove "
               "this line";
    return "tells sluice that a process ended, and is never forwarded; remove this line";
}

class Application {
  public:
    Application(const std::string& path, Reading& reading) : path_(path), reading_(reading) {}

    void add(const Entry& entry) {
        if (entry.section.empty())
            add_section(entry);
        else if (!std::ranges::count(sections(), entry.section))
            return; // told once, at the section
        else if (entry.section == section_of(signal_rules_key()))
            add_rule(entry);
        else if (const auto* const key = find_key(full_name(entry)))
            add_value(*key, entry);
        else
            refuse(entry.position, entry, unknown_key(entry.section, entry.name));
    }

  private:
    static std::string full_name(const Entry& entry) {
        return entry.section.empty() ? entry.name : entry.section + "." + entry.name;
    }

    void refuse(Position position, const Entry& entry, std::string message) {
        const auto name = entry.name.empty() ? R"("")" : shown(entry.name);
        const auto key = entry.section.empty() ? name : entry.section + "." + name;
        reading_.refuse(place(path_, position), key, std::move(message));
    }

    void set(const std::string& key, Position position) {
        reading_.set(key, place(path_, position),
                     escaped(path_) + ":" + std::to_string(position.line));
    }

    void add_section(const Entry& entry) {
        const bool known = std::ranges::count(sections(), entry.name) > 0;
        const bool table = entry.value.type == Value::Type::table;
        if (known && !table)
            refuse(entry.position, entry,
                   description(entry.value) + " is not a section; write [" + entry.name +
                       "] on a line of its own and its keys below it");
        else if (!known)
            refuse(entry.position, entry,
                   table ? unknown_section(entry.name) : unknown_key({}, entry.name));
    }

    void add_value(const Key& key, const Entry& entry) {
        if (key.type == Type::string_list)
            add_list(key, entry);
        else if (parses(key, entry.value))
            set(std::string(key.name), entry.value.position);
        else
            refuse(entry.value.position, entry,
                   description(entry.value) + " " + refusal(key) +
                       did_you_mean(entry.value.text, key.choices));
    }

    bool parses(const Key& key, const Value& value) {
        // A signal may be given by its number, and a bare number is the natural way to write it.
        const bool number = key.type == Type::signal && value.type == Value::Type::integer;
        if (value.type != Value::Type::string && !number) return false;
        return key.parse(value.text, reading_.loaded.settings);
    }

    void add_list(const Key& key, const Entry& entry) {
        const auto& value = entry.value;
        if (value.type != Value::Type::array)
            return refuse(value.position, entry, description(value) + " " + refusal(key));
        const bool nothing = value.items.empty() || is_empty_string(value.items.front());
        if (nothing)
            return refuse(value.position, entry,
                          R"(there is no program in it; write one as ["php-fpm", "-R"], or remove )"
                          "the key");
        for (const auto& item : value.items) {
            if (item.type != Value::Type::string)
                return refuse(item.position, entry,
                              "an item is " + description(item) +
                                  "; every item is a string, so put it into quotes");
            if (item.text.find('\0') != std::string::npos)
                return refuse(item.position, entry,
                              quoted(item.text) + " holds a NUL byte, which no program can be "
                                                  "given as an argument; remove it");
        }
        for (const auto& item : value.items) key.parse(item.text, reading_.loaded.settings);
        set(std::string(key.name), value.position);
    }

    void add_rule(const Entry& entry) {
        const auto objection = signal_objection(entry.name);
        if (!objection.empty()) return refuse(entry.position, entry, objection);
        const int signal = signals::number_of(entry.name).value_or(0);
        const auto key = "signals." + signals::name_of(signal);
        if (const auto earlier = reading_.places.find(key); earlier != reading_.places.end())
            return refuse(entry.position, entry,
                          "is the same signal as in " + earlier->second + "; keep one of the two");
        const auto rule = entry.value.type == Value::Type::string
                              ? signals::parse_rule(entry.value.text)
                              : std::nullopt;
        // Noted even where the rule is wrong, so that a second name for the signal is told as well.
        reading_.places[key] = place(path_, entry.value.position);
        if (!rule) return refuse(entry.value.position, entry, rule_objection(entry.value));
        reading_.loaded.settings.signals[signal] = *rule;
        set(key, entry.value.position);
    }

    static std::string rule_objection(const Value& value) {
        using namespace std::string_view_literals;
        constexpr auto forward = "forward "sv;
        const bool is_string = value.type == Value::Type::string;
        if (is_string && value.text.starts_with(forward))
            return description(value) + " names no signal; write one as in \"forward QUIT\"";
        constexpr std::array meanings{"drain"sv, "reload"sv, "forward"sv, "ignore"sv};
        return description(value) + " " + refusal(signal_rules_key()) +
               did_you_mean(value.text, meanings);
    }

    const std::string& path_;
    Reading& reading_;
};

} // namespace

std::string place(const std::string& path, Position position) {
    return escaped(path) + ":" + std::to_string(position.line) + ":" +
           std::to_string(position.column);
}

void apply(const Document& document, const std::string& path, Reading& reading) {
    Application application(path, reading);
    for (const auto& entry : document) application.add(entry);
}

} // namespace sluice::config
