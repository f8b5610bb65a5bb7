#include "config/keys.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/texts.h"

namespace sluice::config {

namespace {

using namespace std::string_view_literals;

using Service = decltype(Settings::service);
using Drain = decltype(Settings::drain);
using Reload = decltype(Settings::reload);
using Control = decltype(Settings::control);
using Log = decltype(Settings::log);

constexpr std::array kinds{"php-fpm"sv, "nginx"sv, "plain"sv};
constexpr std::array restarts{"no"sv, "on-failure"sv, "always"sv};
constexpr std::array strategies{"switch"sv, "shared"sv, "signal"sv};
constexpr std::array low_memories{"refuse"sv, "proceed"sv, "signal"sv};
constexpr std::array levels{"debug"sv, "info"sv, "warning"sv, "error"sv};
constexpr std::array formats{"text"sv, "json"sv};

constexpr Range slots{1, 1'000};
constexpr Range counts{1, 10'000};
constexpr Range concurrencies{1, 64};
constexpr Range statuses{100, 599};

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

constexpr auto checks = [](auto& settings) -> auto& {
    return settings.reload.checks;
};
constexpr auto warmups = [](auto& settings) -> auto& {
    return settings.reload.warmups;
};

template <auto list>
constexpr Section array_of_tables(std::string_view name, std::string_view help) {
    constexpr auto add = [](Settings& settings) { list(settings).emplace_back(); };
    constexpr auto count = [](const Settings& settings) { return list(settings).size(); };
    return {name, help, add, count};
}

template <class Enum, const auto& names, auto... steps>
constexpr Key choice(std::string_view name, Default usual, std::string_view help) {
    return with_choices(row<ChoiceText<Enum, names>, steps...>(name, Type::choice, usual, help),
                        names);
}

template <class Text, auto field>
constexpr Key of_check(std::string_view name, Type type, Default usual, std::string_view help) {
    return row_in_entry<Text, checks, field>(name, type, usual, help);
}

template <class Text, auto field>
constexpr Key of_warmup(std::string_view name, Type type, Default usual, std::string_view help) {
    return row_in_entry<Text, warmups, field>(name, type, usual, help);
}

template <const Range& range, auto field>
constexpr Key number_of_warmup(std::string_view name, Default usual, std::string_view help) {
    return with_range(of_warmup<NumberText<range>, field>(name, Type::number, usual, help), range);
}

std::optional<std::string> print_no_single_value(const Settings& /*settings*/,
                                                 std::size_t /*entry*/) {
    return {};
}

constexpr std::array table{
    with_example(row<ListText<AnyText>, &Settings::service, &Service::command>(
                     "service.command", Type::string_list, in_words("the command line"),
                     "The program and its arguments, run when the command line gives none."),
                 R"(["php-fpm", "-R"])"),
    choice<Kind, kinds, &Settings::service, &Service::kind>(
        "service.kind", in_words("recognised from the command"),
        "How much sluice does: all that it knows of PHP-FPM or of nginx, or forwarding and reaping "
        "only."),
    row<SignalText, &Settings::service, &Service::stop_signal>(
        "service.stop_signal", Type::signal, of_servers("QUIT", "the signal that came"),
        "What a drain sends to the service."),
    choice<Restart, restarts, &Settings::service, &Service::restart>(
        "service.restart", of_servers("on-failure", "no"),
        "When a service that ended by itself is started again."),
    row<BackoffText, &Settings::service, &Service::restart_backoff>(
        "service.restart_backoff", Type::backoff, always("100ms..5s"),
        "The pause before a new start: the first one, doubled after each death, up to the "
        "longest."),
    row<LimitText, &Settings::service, &Service::restart_limit>(
        "service.restart_limit", Type::limit, always("5 in 60s"),
        "So many restarts in so long a time; after one death more sluice exits with the service's "
        "status."),

    Key{"signals.NAME",
        Type::signal_rules,
        {"TERM, INT, QUIT drain; HUP, USR2 reload; all else is forwarded",
         "TERM, INT, QUIT drain; all else is forwarded (HUP: nginx reloads)",
         "all are forwarded; with a drain.deadline or a restart TERM, INT, QUIT drain"},
        "What a signal means that reaches sluice. NAME is a signal's name or number, quoted when "
        "it has a plus sign: \"RTMIN+3\".",
        nullptr,
        print_no_single_value},

    row<DurationText, &Settings::drain, &Drain::announce>(
        "drain.announce", Type::duration, always("0s"),
        "From the drain signal, how long new connections are still taken, so that a balancer that "
        "cannot see a refusal (Docker's proxy, a VIP) learns of the stop first."),
    row<DurationText, &Settings::drain, &Drain::queue>(
        "drain.queue", Type::duration, always("2s"),
        "Where the kernel cannot refuse new connections without losing those that wait: how long "
        "the accept queue may take to run empty by itself before handshakes are held off."),
    row<DurationText, &Settings::drain, &Drain::deadline>(
        "drain.deadline", Type::duration, of_servers("9s", "none"),
        "From the drain signal to SIGTERM. Keep it, and kill_after, within what Docker allows (10 "
        "s unless stop_grace_period says otherwise). \"0s\": no deadline."),
    row<DurationText, &Settings::drain, &Drain::kill_after>(
        "drain.kill_after", Type::duration, always("500ms"), "From that SIGTERM to SIGKILL."),
    row<DurationText, &Settings::drain, &Drain::linger>(
        "drain.linger", Type::duration, always("0s"),
        "How long a container that has been drained goes on refusing new connections before it "
        "ends: the address of a container that is gone does not refuse, it hangs."),

    choice<Strategy, strategies, &Settings::reload, &Reload::strategy>(
        "reload.strategy", always("switch"),
        "How new code is taken up. \"switch\": a new generation with listeners of its own gets the "
        "new connections once it has proved itself. \"shared\": the same on the same listeners, "
        "where the kernel or the container's policy refuses a switch. \"signal\": the service gets "
        "its own reload signal, and nothing is proved."),
    row<PathText, &Settings::reload, &Reload::release>(
        "reload.release", Type::path, in_words("none"),
        "The symlink that names the release to serve. Each generation resolves it once and stays "
        "with what it found, so that two generations serve two releases."),
    row<TimeLimitText, &Settings::reload, &Reload::ready>(
        "reload.ready", Type::time_limit, always("10s"),
        "How long a new generation may take to answer; after that it is given up, and the old one "
        "goes on."),
    row<TimeLimitText, &Settings::reload, &Reload::retire>(
        "reload.retire", Type::time_limit, always("60s"),
        "How long the old generation may take to finish its requests; what is left then is cut and "
        "named."),
    row<DurationText, &Settings::reload, &Reload::splay>(
        "reload.splay", Type::duration, always("0s"),
        "A reload that a signal or reload.watch asked for waits a random time of at most this, so "
        "that the containers of a node do not reload all at once."),
    row<ListText<PathText>, &Settings::reload, &Reload::watch>(
        "reload.watch", Type::path_list, in_words("none"),
        "Files, folders and symlinks; when one of them changes, sluice reloads."),
    row<PathText, &Settings::reload, &Reload::slots_dir>(
        "reload.slots_dir", Type::path, in_words("none"),
        "A folder that the containers of a node share. A reload takes one of its slots and waits "
        "while none is free."),
    with_range(row<NumberText<slots>, &Settings::reload, &Reload::slots>(
                   "reload.slots", Type::number, always("1"),
                   "How many containers that share slots_dir may reload at a time."),
               slots),
    choice<LowMemory, low_memories, &Settings::reload, &Reload::low_memory>(
        "reload.low_memory", always("refuse"),
        "What a reload does where the container's memory limit leaves no room for a second "
        "generation: nothing, reload nevertheless, or send the service its own reload signal."),

    required(with_example(of_check<ListText<AnyText>, &ReloadCheck::command>(
                              "reload.check.command", Type::string_list, in_words("required"),
                              "The program and its arguments. It runs as sluice's user, with "
                              "reload.release in the new release's folder (also in "
                              "SLUICE_RELEASE), else in the container's. Any exit status but 0 "
                              "ends the reload."),
                          R"(["php", "bin/check"])")),
    of_check<TimeLimitText, &ReloadCheck::timeout>(
        "reload.check.timeout", Type::time_limit, always("10s"),
        "How long it may take; after that it is killed and counts as failed."),

    of_warmup<NameText, &Warmup::pool>("reload.warmup.pool", Type::name, in_words("the only one"),
                                       "FPM's pool that gets the requests."),
    required(of_warmup<NameText, &Warmup::script>(
        "reload.warmup.script", Type::name, in_words("required"),
        "SCRIPT_FILENAME, as the web server passes it: with reload.release relative to the "
        "release.")),
    of_warmup<UriText, &Warmup::uri>("reload.warmup.uri", Type::uri,
                                     in_words("\"/\" and the script's file name"),
                                     "The request's URI, with its query."),
    of_warmup<MethodText, &Warmup::method>("reload.warmup.method", Type::method, always("GET"),
                                           "The request's method."),
    secret(of_warmup<HeadersText, &Warmup::headers>(
        "reload.warmup.headers", Type::headers, in_words("none"),
        "The request's headers, each a name and its value. The values are never printed.")),
    secret(of_warmup<SecretText, &Warmup::body>("reload.warmup.body", Type::text, in_words("empty"),
                                                "The request's body. It is never printed.")),
    number_of_warmup<counts, &Warmup::count>("reload.warmup.count", always("1"),
                                             "How many times the request is sent."),
    number_of_warmup<concurrencies, &Warmup::concurrency>(
        "reload.warmup.concurrency", always("1"),
        "How many of them at a time; not more than count."),
    number_of_warmup<statuses, &Warmup::status>(
        "reload.warmup.status", always("200"),
        "The status of each answer. Any other ends the reload."),
    of_warmup<AnyText, &Warmup::text>("reload.warmup.text", Type::text, in_words("anything"),
                                      "What the body of each answer has to hold."),
    of_warmup<TimeLimitText, &Warmup::timeout>("reload.warmup.timeout", Type::time_limit,
                                               always("10s"), "How long each request may take."),

    row<SocketText, &Settings::control, &Control::socket>(
        "control.socket", Type::socket,
        in_words("/run/sluice.sock where that can be written, else abstract"),
        "Where `sluice status`, `reload`, `stop` and `health` reach the running sluice. \"@\" is "
        "an "
        "abstract socket, which needs no folder; \"off\" is none."),

    choice<LogLevel, levels, &Settings::log, &Log::level>(
        "log.level", of_servers("info", "warning"), "The least important messages to log."),
    choice<LogFormat, formats, &Settings::log, &Log::format>(
        "log.format", always("text"), "One line of text, or one JSON object, each."),
};

constexpr std::array all_sections{
    Section{"service", {}},
    Section{"signals", {}},
    Section{"drain", {}},
    Section{"reload", {}},
    array_of_tables<checks>(
        "reload.check",
        "Commands that have to succeed before a new generation is started, one after another."),
    array_of_tables<warmups>(
        "reload.warmup",
        "Requests that a new generation has to answer before users come, so that its caches are "
        "warm, one entry after another."),
    Section{"control", {}},
    Section{"log", {}},
};

} // namespace

std::span<const Key> keys() {
    return table;
}

const Key* find_key(std::string_view name) {
    const auto* const found = std::ranges::find(table, name, &Key::name);
    if (found == table.end() || found->type == Type::signal_rules) return nullptr;
    return found;
}

std::span<const Section> sections() {
    return all_sections;
}

const Section* find_section(std::string_view name) {
    const auto* const found = std::ranges::find(all_sections, name, &Section::name);
    return found == all_sections.end() ? nullptr : found;
}

std::string_view section_of(const Key& key) {
    return key.name.substr(0, key.name.rfind('.'));
}

std::string_view name_in_section(const Key& key) {
    return key.name.substr(key.name.rfind('.') + 1);
}

std::string header_of(const Section& section) {
    const std::string name(section.name);
    return section.is_array() ? "[[" + name + "]]" : "[" + name + "]";
}

std::string environment_name(std::string_view name) {
    std::string variable = "SLUICE_";
    for (const char c : name) {
        const auto upper = std::toupper(static_cast<unsigned char>(c));
        variable += c == '.' ? '_' : static_cast<char>(upper);
    }
    return variable;
}

bool can_come_from_environment(const Key& key) {
    const auto* const section = find_section(section_of(key));
    if (section == nullptr || section->is_array()) return false;
    return key.type != Type::string_list && key.type != Type::path_list &&
           key.type != Type::signal_rules;
}

} // namespace sluice::config
