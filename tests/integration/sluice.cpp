#include "sluice.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "processes.h"

namespace tests {

Mode each_mode() {
    Mode mode = Mode::subreaper;
    SUBCASE("as subreaper") {
        mode = Mode::subreaper;
    }
    SUBCASE("as PID 1") {
        mode = Mode::pid_1;
    }
    if (mode == Mode::pid_1 && ::geteuid() != 0) {
        MESSAGE("skipped: a PID namespace of its own needs root; running as subreaper instead");
        mode = Mode::subreaper;
    }
    return mode;
}

std::string sluice_program() {
    const char* const chosen = std::getenv("SLUICE_UNDER_TEST");
    return std::filesystem::canonical(chosen != nullptr ? chosen : SLUICE_BINARY_DIR "/sluice");
}

bool has_fault_points() {
    if (read_file(sluice_program()).find("SLUICE_FAULT") != std::string::npos) return true;
    MESSAGE("skipped: this build of sluice has no fault points");
    return false;
}

std::vector<std::string> role(const std::string& name, const std::vector<std::string>& words) {
    std::vector<std::string> command{std::filesystem::canonical("/proc/self/exe"),
                                     "--role=" + name};
    command.insert(command.end(), words.begin(), words.end());
    return command;
}

std::vector<std::string> shell(const std::string& script) {
    return {"/bin/sh", "-c", script};
}

Sluice::Sluice(const Launch& launch) : mode_(launch.mode) {
    std::vector<std::string> command;
    if (mode_ == Mode::pid_1) command = {"unshare", "-pf", "--mount-proc", "--kill-child"};
    command.insert(command.end(), launch.under.begin(), launch.under.end());
    command.push_back(sluice_program());
    command.insert(command.end(), launch.options.begin(), launch.options.end());
    if (!launch.config.empty()) {
        command.insert(command.end(), {"--config", folder_.write("sluice.toml", launch.config)});
    }
    if (!launch.command.empty()) command.push_back("--");
    command.insert(command.end(), launch.command.begin(), launch.command.end());
    process_ = std::make_unique<ChildProcess>(
        ChildProcess::Start{command, launch.environment, launch.before_exec});
}

pid_t Sluice::pid() {
    if (pid_ > 0) return pid_;
    const auto program = sluice_program();
    const bool found = eventually([&] {
        if (mode_ == Mode::subreaper) {
            if (program_of(process_->pid()) == program) pid_ = process_->pid();
        } else {
            for (const pid_t child : children_of(process_->pid())) {
                if (program_of(child) == program) pid_ = child;
            }
        }
        return pid_ > 0 || process_->has_ended();
    });
    INFO(err());
    REQUIRE(found);
    REQUIRE(pid_ > 0);
    return pid_;
}

pid_t Sluice::service() {
    pid_t child = -1;
    const bool found = eventually([&] {
        const auto children = children_of(pid());
        if (!children.empty()) child = children.front();
        return child > 0 && program_of(child) != sluice_program();
    });
    REQUIRE(found);
    return child;
}

void Sluice::signal(int number) {
    ::kill(pid(), number);
}

void Sluice::queue(int number, int value) {
    ::sigqueue(pid(), number, sigval{.sival_int = value});
}

int Sluice::exit_status() {
    const auto status = process_->wait();
    const auto log = process_->err();
    INFO(log);
    CHECK_MESSAGE(status.has_value(), "sluice has not ended");
    CHECK_MESSAGE(log.find("Sanitizer") == std::string::npos, log);
    CHECK_MESSAGE(log.find("runtime error:") == std::string::npos, log);
    if (!status) return -1;
    return WIFSIGNALED(*status) ? 1'000 + WTERMSIG(*status) : WEXITSTATUS(*status);
}

int Sluice::stop(int number) {
    signal(number);
    return exit_status();
}

std::string Sluice::last_log_line() {
    std::string last;
    for (const auto& line : lines_of(err())) {
        if (line.find(" sluice ") != std::string::npos) last = line;
    }
    return last;
}

int status_of(const Launch& launch) {
    return Sluice(launch).exit_status();
}

} // namespace tests
