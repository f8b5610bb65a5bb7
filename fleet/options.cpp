#include "fleet/options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <limits>
#include <vector>

#include "config/quote.h"
#include "config/values.h"
#include "init/version.h"

namespace sluice::fleet {

namespace {

constexpr const char* usual_timeout = "2m";
constexpr int most_parallel = 10'000;

struct Raw {
    std::vector<std::string> labels;
    std::vector<std::string> names;
    std::string project;
    std::string canary;
    std::string parallel;
    std::string pause = "0s";
    std::string timeout = usual_timeout;
    bool json = false;
    bool version = false;
};

void add_choice(CLI::App& app, Raw& raw) {
    app.add_option("--label", raw.labels, "those with this label; repeatable, all have to match")
        ->type_name("KEY[=VALUE]")
        ->expected(1)
        ->take_all();
    app.add_option("--name", raw.names,
                   "those with such a name (*, ?, [a-z]); repeatable, one has to match")
        ->type_name("PATTERN")
        ->expected(1)
        ->take_all();
    app.add_option("--project", raw.project, "those of this Compose project")->type_name("NAME");
}

void add_rollout(CLI::App& app, Raw& raw, const char* parallel, const char* timeout) {
    add_choice(app, raw);
    app.add_option("--canary", raw.canary,
                   "the one that goes first, alone (default: the first by name); if it fails, "
                   "nothing else is done")
        ->type_name("NAME");
    app.add_option("--parallel", raw.parallel, parallel)->type_name("N|all");
    app.add_option("--pause", raw.pause, "after one has ended, before the next takes its place")
        ->type_name("DURATION");
    app.add_option("--timeout", raw.timeout, timeout)->type_name("DURATION");
    app.add_flag("--json", raw.json, "the progress and the account as JSON lines");
}

std::optional<std::size_t> parse_parallel(std::string_view text) {
    if (text == "all") return std::numeric_limits<int>::max();
    const auto number = config::parse_number(text, 1, most_parallel);
    return number ? std::optional(static_cast<std::size_t>(*number)) : std::nullopt;
}

std::string wrong_value(const char* option, const std::string& value, const char* allowed) {
    return std::string(option) + ": " + config::quoted(value) + " is not " + allowed;
}

void read_values(const Raw& raw, Options& options) {
    options.json = raw.json;
    options.canary = raw.canary;
    options.choice.names = raw.names;
    options.choice.project = raw.project;
    for (const auto& text : raw.labels) {
        if (const auto label = parse_label(text)) {
            options.choice.labels.push_back(*label);
        } else {
            options.problem = wrong_value("--label", text, "KEY or KEY=VALUE");
        }
    }
    if (!raw.parallel.empty()) {
        options.parallel = parse_parallel(raw.parallel);
        if (!options.parallel) {
            options.problem =
                wrong_value("--parallel", raw.parallel, "a number from 1 to 10000, or \"all\"");
        }
    }
    const auto duration = [&](const char* option, const std::string& text) {
        const auto value = config::parse_duration(text);
        if (!value) {
            options.problem = wrong_value(option, text, R"(a duration as "500ms", "30s" or "5m")");
        }
        return value.value_or(config::Duration(0));
    };
    options.pause = duration("--pause", raw.pause);
    options.timeout = duration("--timeout", raw.timeout);
}

} // namespace

Options parse_options(int argc, const char* const* argv) {
    Options options;
    Raw raw;
    CLI::App app("Reloads, restarts or shows the containers of this node whose first process is "
                 "sluice.",
                 "sluice-fleet");
    app.add_flag("-V,--version", raw.version, "show the version");
    app.footer("Each command has --help. The Engine is the one of DOCKER_HOST (unix:///PATH or "
               "tcp://IP:PORT;\ndefault: unix:///var/run/docker.sock).\nExit status: 0 if all was "
               "done; 1 if a container failed, was rolled back or not begun; 125 if\nnothing could "
               "be done at all; 130 if it was interrupted twice.");
    auto* const reload = app.add_subcommand(
        "reload", "Brings new code: `sluice reload --wait` in each container, a canary first.");
    add_rollout(*reload, raw, "at most so many at a time after the canary (default: 8)",
                "for one container's reload (default: 2m)");
    auto* const restart =
        app.add_subcommand("restart", "Stops and starts each container, a canary first.");
    add_rollout(*restart, raw,
                "at most so many at a time after the canary (default: a quarter of them, at least "
                "1)",
                "for one container to be up again (default: 2m)");
    auto* const status = app.add_subcommand("status", "One table of all containers.");
    add_choice(*status, raw);
    status->add_flag("--json", raw.json, "as one JSON object");
    app.require_subcommand(0, 1);
    try {
        app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        const auto asked = app.get_subcommands();
        options.text = asked.empty() ? app.help() : app.help("", CLI::AppFormatMode::Normal);
        return options;
    } catch (const CLI::ParseError& error) {
        options.problem = error.what();
        options.text = app.help();
        return options;
    }
    if (raw.version) {
        options.text = std::string("sluice-fleet ") + version + "\n";
        return options;
    }
    if (*reload) options.task = Options::Task::reload;
    if (*restart) options.task = Options::Task::restart;
    if (*status) options.task = Options::Task::status;
    if (options.task == Options::Task::say) {
        options.problem = "say what to do: reload, restart or status";
        options.text = app.help();
        return options;
    }
    read_values(raw, options);
    return options;
}

} // namespace sluice::fleet
