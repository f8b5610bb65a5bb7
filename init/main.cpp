#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstdio>
#include <system_error>

#include "config/load.h"
#include "config/print.h"
#include "init/control/client.h"
#include "init/core/words.h"
#include "init/find_sluice.h"
#include "init/options.h"
#include "init/os/descriptors.h"
#include "init/os/fatal.h"
#include "init/os/log.h"
#include "init/os/terminal.h"
#include "init/prepare.h"
#include "init/supervisor.h"
#include "init/version.h"
#include "signals/mask.h"

namespace sluice {

namespace {

using core::Level;

std::vector<std::string> environment() {
    std::vector<std::string> all;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        all.emplace_back(*entry);
    }
    return all;
}

void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
}

// Everything that is wrong with the command line, the file and the environment, at once.
config::Loaded load(const CommandLine& line, const std::vector<std::string>& variables) {
    config::Problems problems = line.problems;
    const auto file = config::find_file(line.config, variables, problems);
    auto loaded = config::load(file, variables);
    loaded.problems.insert(loaded.problems.begin(), problems.begin(), problems.end());
    return loaded;
}

void report(const config::Problems& problems) {
    for (const auto& problem : problems) {
        os::log(problem.warning ? Level::warning : Level::error, config::to_text(problem),
                {{"event", "configuration"}, {"where", problem.where}, {"key", problem.key}});
    }
}

void report(const Prepared& prepared) {
    for (const auto& notice : prepared.first.plan.notices) {
        os::log(Level::warning, notice, {{"event", "notice"}});
    }
    for (const auto& problem : prepared.problems) {
        os::log(Level::error, problem, {{"event", "refused"}});
    }
}

// Orphans come to PID 1, or to the nearest subreaper above them.
void become_subreaper() {
    if (::getpid() == 1) return;
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0) return;
    os::log(Level::warning,
            "orphans cannot be adopted (PR_SET_CHILD_SUBREAPER: " +
                std::generic_category().message(errno) +
                "); run sluice as PID 1, or they stay zombies of another process",
            {{"event", "no_subreaper"}});
}

// "; listens on pool www: 0.0.0.0:9000, backlog 511; new connections can be refused at a stop, ..."
std::string listeners_of(const core::Plan& plan) {
    std::string text;
    for (const auto& listener : plan.listeners) {
        text += (text.empty() ? "; listens on " : ", ") + listener;
    }
    return plan.features.empty() ? text : text + "; " + plan.features;
}

void log_start(const core::Plan& plan) {
    const auto& stop = plan.stop;
    utsname system{};
    ::uname(&system);
    const char* const kernel = static_cast<const char*>(system.release);
    const std::string kind = core::to_string(plan.kind);
    os::log(Level::info,
            std::string("sluice ") + version + " starts " + plan.name + ": kind " + kind +
                ", pid " + std::to_string(::getpid()) + ", uid " + std::to_string(::getuid()) +
                ", kernel " + kernel + ", deadline " +
                (stop.deadline ? core::in_words(*stop.deadline) + ", then " +
                                     core::in_words(stop.kill_after) + " to SIGKILL"
                               : "none") +
                listeners_of(plan),
            {{"event", "start"},
             {"version", version},
             {"kind", kind},
             {"pid", ::getpid()},
             {"uid", static_cast<std::int64_t>(::getuid())},
             {"kernel", kernel},
             {"deadline_ms", stop.deadline ? stop.deadline->count() : 0},
             {"kill_after_ms", stop.kill_after.count()}});
}

int run(const CommandLine& line, const std::vector<int>& inherited) {
    const auto variables = environment();
    const auto loaded = load(line, variables);
    const auto& settings = loaded.settings;
    os::set_up_log(settings.log.level.value_or(Level::info), settings.log.format);
    report(loaded.problems);
    if (config::any_error(loaded.problems)) return core::exit_own_error;

    boost::asio::io_context loop(1);
    const auto never_without_work = boost::asio::make_work_guard(loop);
    signals::Inbox inbox(loop);
    become_subreaper();
    const auto service_environment = config::without_own(variables);
    auto prepared = prepare(loop, inbox, settings, line.options, service_environment, Purpose::run);
    os::set_up_log(prepared.first.plan.log_level, settings.log.format);
    report(prepared);
    if (!prepared.problems.empty()) return prepared.exit_code;
    if (prepared.stopped) {
        os::log(Level::info, "stopped before " + prepared.first.plan.name + " was started",
                {{"event", "stopped"}});
        return 0;
    }
    // Ctrl-C goes to the foreground group. For a server that stays ours: INT cuts its requests.
    prepared.first.launch.terminal =
        prepared.first.plan.kind == config::Kind::plain && os::holds_terminal();
    log_start(prepared.first.plan);
    Sources sources{.config = line.config,
                    .variables = variables,
                    .options = line.options,
                    .fpm = std::move(prepared.fpm)};
    Supervisor supervisor(loop, inbox, std::move(prepared.first), std::move(prepared.intake),
                          settings, std::move(sources), inherited);
    return supervisor.run();
}

int check(const CommandLine& line) {
    const auto variables = environment();
    const auto loaded = load(line, variables);
    for (const auto& problem : loaded.problems) {
        std::fprintf(stderr, "%s%s\n", problem.warning ? "warning: " : "",
                     config::to_text(problem).c_str());
    }
    if (config::any_error(loaded.problems)) return core::exit_own_error;
    if (line.print) print(config::print(loaded));
    if (line.options.command.empty() && loaded.settings.service.command.empty()) {
        if (!line.print) print("configuration: correct\nno command was given: no plan\n");
        return 0;
    }
    boost::asio::io_context loop(1);
    const auto never_without_work = boost::asio::make_work_guard(loop);
    signals::Inbox inbox(loop);
    auto prepared = prepare(loop, inbox, loaded.settings, line.options,
                            config::without_own(variables), Purpose::check);
    for (const auto& problem : prepared.problems) std::fprintf(stderr, "%s\n", problem.c_str());
    if (!prepared.problems.empty()) return prepared.exit_code;
    if (prepared.stopped) {
        std::fputs("stopped before the service had checked its configuration\n", stderr);
        return core::exit_own_error;
    }
    if (!line.print) print(core::describe(prepared.first.plan));
    if (prepared.missing_program != 0) {
        // What a start would say, and its exit status.
        const os::Spawned failed{.error = prepared.missing_program, .stage = os::Stage::execute};
        std::fprintf(stderr, "%s\n",
                     os::describe_failure(failed, prepared.first.launch.path).c_str());
        return os::exit_code_of_failure(failed);
    }
    return prepared.check_failed;
}

// A client of the sluice that runs: an ordinary process, which Ctrl-C ends.
int ask(const CommandLine& line) {
    if (!line.problems.empty()) {
        std::fprintf(stderr, "%s\n", config::to_text(line.problems.front()).c_str());
        return core::exit_own_error;
    }
    signals::reset_for_child();
    return control::ask(line.request, find_sluice(line.socket, environment()),
                        line.json ? control::Form::json : control::Form::text);
}

int carry_out(const CommandLine& line, const std::vector<int>& inherited) {
    if (!line.text.empty() && !line.problems.empty()) { // no options to go on with
        std::fprintf(stderr, "%s\n%s", config::to_text(line.problems.front()).c_str(),
                     line.text.c_str());
        return core::exit_own_error;
    }
    int exit_code = 0;
    switch (line.task) {
    case CommandLine::Task::run: return run(line, inherited);
    case CommandLine::Task::check: exit_code = check(line); break;
    case CommandLine::Task::ask: exit_code = ask(line); break;
    case CommandLine::Task::say: print(line.text); break;
    }
    if (std::fflush(stdout) == 0) return exit_code;
    std::perror("sluice: stdout");
    return core::exit_own_error;
}

} // namespace

} // namespace sluice

int main(int argc, char** argv) {
    try {
        // First of all: PID 1 would lose a signal that comes now, any other process would die.
        sluice::signals::block_all();
        sluice::os::report_fatal_signals();
        sluice::os::occupy_standard_descriptors();
        const auto inherited = sluice::os::inherited_descriptors();
        return sluice::carry_out(sluice::parse_command_line(argc, argv), inherited);
    } catch (const std::exception& error) {
        sluice::os::log(sluice::core::Level::error, std::string("cannot start: ") + error.what());
        return sluice::core::exit_own_error;
    }
}
