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
};

// CLI11 sees only our own words, so it cannot know about the command that follows them.
class Usage : public CLI::Formatter {
    std::string make_usage(const CLI::App* /*app*/, std::string name) const override {
        const bool check = name == "sluice check";
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
    constexpr std::array with_value{"-c", "--config", "-s", "--signal", "--map-exit"};
    int at = first;
    while (at < argc) {
        const std::string_view word = argv[at];
        if (word == "--" || !word.starts_with('-') || word == "-") break;
        at += std::ranges::find(with_value, word) == with_value.end() ? 1 : 2;
    }
    return static_cast<std::size_t>(std::min(at, argc));
}

} // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
    CommandLine line;
    Raw raw;
    const bool check = argc > 1 && std::string_view(argv[1]) == "check";
    CLI::App app(
        check ? "Checks the configuration, the service's included, and shows what sluice would do."
              : "PID 1 for PHP-FPM containers.",
        check ? "sluice check" : "sluice");
    add_options(app, raw);
    if (check) {
        line.task = CommandLine::Task::check;
        app.add_flag("--print", raw.print, "show the effective configuration as TOML");
    } else {
        app.add_flag("-V,--version", raw.version, "show the version");
        app.footer("COMMAND [ARG...] is the service to run; options of its own are left to it.\n"
                   "`sluice check COMMAND [ARG...]` checks everything and shows the plan.\n"
                   "Settings come from /etc/sluice.toml (or --config, or SLUICE_CONFIG) and from "
                   "SLUICE_* variables.");
    }
    app.formatter(std::make_shared<Usage>());

    const int first = check ? 2 : 1;
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
    if (app.count("--config") > 0) line.config = raw.config;
    line.options.group = raw.group;
    line.print = raw.print;
    read_rewrites(raw, line);
    read_exits(raw, line);
    return line;
}

} // namespace sluice
