#include "init/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string_view>

#include "init/version.h"
#include "signals/rule.h"

namespace sluice {

namespace {

struct Raw {
    std::string config;
    std::vector<std::string> rewrites;
    std::vector<std::string> exits;
    bool group = false;
    bool print = false;
    bool version = false;
    std::string socket;
    bool more = false; // --wait, --now or --json
};

// Our own commands that ask the running sluice, each with at most one flag.
struct Ask {
    std::string_view name;
    const char* help;
    control::Request request;
    control::Request with_flag = request;
    const char* flag = nullptr;
    const char* flag_help = nullptr;
};

constexpr std::array asks{
    Ask{.name = "reload",
        .help = "Asks the running sluice for a reload: new code takes over once it has proved "
                "itself.",
        .request = control::Request::reload,
        .with_flag = control::Request::reload_wait,
        .flag = "--wait",
        .flag_help = "show the steps, and exit with 1 if the reload was rolled back or refused"},
    Ask{.name = "status",
        .help = "Shows what the running sluice does.",
        .request = control::Request::status,
        .flag = "--json",
        .flag_help = "as one JSON object, with durations in milliseconds"},
    Ask{.name = "stop",
        .help = "Asks the running sluice to drain its service and to end, as TERM does.",
        .request = control::Request::stop,
        .with_flag = control::Request::stop_now,
        .flag = "--now",
        .flag_help = "do not wait any longer for what is in flight"},
    Ask{.name = "health",
        .help = "Exits with 0 if the service answers and with 1 if not, for Docker's HEALTHCHECK.",
        .request = control::Request::health},
};

const Ask* find_ask(std::string_view word) {
    const auto* const found = std::ranges::find(asks, word, &Ask::name);
    return found == asks.end() ? nullptr : found;
}

// CLI11 sees only our own words, so it cannot know about the command that follows them.
class Usage : public CLI::Formatter {
    std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
        constexpr std::string_view own = "sluice ";
        const bool check = name == "sluice check";
        if (name.starts_with(own) && find_ask(name.substr(own.size())) != nullptr) {
            return "Usage: " + name + " [OPTIONS]\n";
        }
        return "Usage: " + name + " [OPTIONS] [--] " +
               (check ? "[COMMAND [ARG...]]" : "COMMAND [ARG...]") + "\n";
    }
};

void add_options(CLI::App& app, Raw& raw) {
    app.add_option("-c,--config", raw.config,
                   "configuration file (default: /etc/sluice.toml, where there is one)")
        ->type_name("FILE");
    app.add_option("-s,--signal", raw.rewrites,
                   "pass the signal FROM on as TO (names or numbers); may be repeated")
        ->type_name("FROM:TO")
        ->expected(1)
        ->take_all();
    app.add_option("--map-exit", raw.exits,
                   "exit with TO where the service's exit status is FROM; may be repeated")
        ->type_name("FROM:TO")
        ->expected(1)
        ->take_all();
    app.add_flag("-g,--group", raw.group,
                 "signal the service's whole process group, not its first process alone");
}

std::optional<int> parse_status(std::string_view text) {
    int status = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), status);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && status >= 0 && status <= 255 ? std::optional(status) : std::nullopt;
}

void read_rewrites(const Raw& raw, CommandLine& line) {
    for (const auto& text : raw.rewrites) {
        if (const auto rewrite = signals::parse_rewrite(text)) {
            line.options.rewrites[rewrite->first] = rewrite->second;
        } else {
            line.problems.push_back(
                {"command line", "--signal",
                 "\"" + text +
                     "\" is not FROM:TO with two signals, such as TERM:QUIT or 15:3; FROM cannot "
                     "be "
                     "KILL, STOP, CHLD or a fault (SEGV, BUS, FPE, ILL, ABRT, TRAP, SYS)"});
        }
    }
}

void read_exits(const Raw& raw, CommandLine& line) {
    for (const std::string_view text : raw.exits) {
        const auto colon = std::min(text.find(':'), text.size());
        const auto from = parse_status(text.substr(0, colon));
        const auto to = parse_status(text.substr(std::min(colon + 1, text.size())));
        if (from && to) {
            line.options.map_exit[*from] = *to;
        } else {
            line.problems.push_back({"command line", "--map-exit",
                                     "\"" + std::string(text) +
                                         "\" is not FROM:TO with two exit statuses from 0 to 255, "
                                         "such as 143:0"});
        }
    }
}

// Splits at the first word that is neither an option of ours nor an option's value: the service's
// own options are not ours to read.
std::size_t own_words(int argc, const char* const* argv, int first) {
    constexpr std::array with_value{"-c", "--config", "-s", "--signal", "--map-exit", "--socket"};
    int at = first;
    while (at < argc) {
        const std::string_view word = argv[at];
        if (word == "--" || !word.starts_with('-') || word == "-") break;
        at += std::ranges::find(with_value, word) == with_value.end() ? 1 : 2;
    }
    return static_cast<std::size_t>(std::min(at, argc));
}

void add_ask_options(CLI::App& app, const Ask& ask, Raw& raw) {
    app.add_option(
           "--socket", raw.socket,
           "its control socket: a path or \"@name\" (default: SLUICE_CONTROL_SOCKET, or what "
           "is configured)")
        ->type_name("ADDRESS");
    if (ask.flag != nullptr) app.add_flag(ask.flag, raw.more, ask.flag_help);
    app.footer("Exit status: 0; 1 if sluice says no; 125 if it could not be asked. A service that "
               "is itself\ncalled \"" +
               std::string(ask.name) + "\" is run with `sluice -- " + std::string(ask.name) + "`.");
}

void read_request(const Ask& ask, const Raw& raw, CommandLine& line) {
    line.task = CommandLine::Task::ask;
    line.request = raw.more ? ask.with_flag : ask.request;
    line.json = raw.more && ask.request == control::Request::status;
    if (!line.options.command.empty()) {
        const std::string name(ask.name);
        line.problems.push_back({"command line", line.options.command.front(),
                                 "`sluice " + name +
                                     "` takes no command; to run a service that is "
                                     "called \"" +
                                     name + "\", write `sluice -- " + name + "`"});
    }
}

void add_run_options(CLI::App& app, Raw& raw) {
    app.add_flag("-V,--version", raw.version, "show the version");
    app.footer(
        "COMMAND [ARG...] is the service to run; options of its own are left to it.\n"
        "`sluice check COMMAND [ARG...]` checks everything and shows the plan.\n"
        "`sluice status`, `reload`, `stop` and `health` talk to the sluice that runs (each has "
        "--help).\n"
        "A service that is itself called as one of these goes behind \"--\".\n"
        "Settings come from /etc/sluice.toml (or --config, or SLUICE_CONFIG) and from SLUICE_* "
        "variables.");
}

} // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    Raw raw;
    const std::string_view word = argc > 1 ? argv[1] : "";
    const bool check = word == "check";
    const auto* const ask = find_ask(word);
    CLI::App app(
        check ? "Checks the configuration, the service's included, and shows what sluice would do."
        : ask != nullptr ? ask->help
                         : "PID 1 for PHP-FPM containers.",
        check || ask != nullptr ? "sluice " + std::string(word) : "sluice");
    if (ask != nullptr) {
        add_ask_options(app, *ask, raw);
    } else {
        add_options(app, raw);
    }
    if (check) {
        line.task = CommandLine::Task::check;
        app.add_flag("--print", raw.print, "show the effective configuration as TOML");
    } else if (ask == nullptr) {
        add_run_options(app, raw);
    }
    app.formatter(std::make_shared<Usage>());

    const int first = check || ask != nullptr ? 2 : 1;
    const auto split = own_words(argc, argv, first);
    std::vector<std::string> own(argv + std::min(first, argc), argv + split);
    auto command_at = split;
    if (command_at < static_cast<std::size_t>(argc) && std::string_view(argv[command_at]) == "--") {
        ++command_at;
    }
    line.options.command.assign(argv + command_at, argv + argc);
    try {
        std::ranges::reverse(own); // CLI11 takes them from the back
        app.parse(own);
    } catch (const CLI::CallForHelp&) {
        line.task = CommandLine::Task::say;
        line.text = app.help();
        return line;
    } catch (const CLI::ParseError& error) {
        line.text = app.help();
        line.problems.push_back({"command line", "", error.what()});
        return line;
    }
    if (raw.version) {
        line.task = CommandLine::Task::say;
        line.text = std::string("sluice ") + version + "\n";
    }
    if (ask != nullptr) {
        if (app.count("--socket") > 0) line.socket = raw.socket;
        read_request(*ask, raw, line);
        return line;
    }
    if (app.count("--config") > 0) line.config = raw.config;
    line.options.group = raw.group;
    line.print = raw.print;
    read_rewrites(raw, line);
    read_exits(raw, line);
    return line;
}

} // namespace sluice
