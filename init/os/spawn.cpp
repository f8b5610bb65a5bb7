// The only user of Boost.Process. What it does wrong in Boost 1.81, each tried with a program:
//  - an exception between fork and exec comes up in the child, which would then run on as a second
//    sluice: our initializer is noexcept, and a child that gets out of the launcher ends at once;
//  - after a failed exec it calls exit(), which runs our atexit handlers and destructors: our
//    on_exec_error leaves with _exit;
//  - it closes all descriptors above the largest whitelisted one, its own status pipe as a rule,
//    and so those meant for the child: INT_MAX - 1 at the end of the list leaves it none to close;
//  - ~process kills and waits: detach() at once, the reaper waits for everyone;
//  - its handle registers for CHLD and, when it goes, sets the default action again, which throws
//    away a CHLD that is pending, also a blocked one (without this: 14 of 60 runs of /bin/true
//    hung). So every spawn raises one more;
//  - its status pipe can take the number that a descriptor is to have in the child (dup2): we hand
//    descriptors over under the numbers that they have.
#include "init/os/spawn.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/process/v2/process.hpp>
#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>

#include "init/core/exit_status.h"
#include "init/os/oom.h"
#include "signals/mask.h"

namespace sluice::os {

namespace {

namespace process = boost::process::v2;

// Written by the child between fork and exec, read by the parent after a failure: the launcher
// itself reports errno, but not the step.
class SharedStage {
  public:
    SharedStage() {
        void* const page = ::mmap(nullptr, sizeof(Stage), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED) stage_ = static_cast<volatile Stage*>(page);
    }

    SharedStage(const SharedStage&) = delete;
    SharedStage& operator=(const SharedStage&) = delete;

    ~SharedStage() {
        if (stage_ != nullptr) ::munmap(const_cast<Stage*>(stage_), sizeof(Stage));
    }

    void reached(Stage stage) noexcept {
        if (stage_ != nullptr) *stage_ = stage;
    }

    Stage last() const { return stage_ != nullptr ? *stage_ : Stage::fork; }

  private:
    volatile Stage* stage_ = nullptr;
};

// Runs in the child between fork and exec: async-signal-safe calls only.
class ChildSetup {
  public:
    ChildSetup(const Launch& launch, SharedStage& stage) : launch_(launch), stage_(stage) {}

    template <typename Launcher, typename... Rest>
    process::error_code on_setup(Launcher& launcher, const Rest&...) noexcept {
        launcher.fd_whitelist.reserve(launcher.fd_whitelist.size() + 2); // no malloc in the child
        return {};
    }

    template <typename Launcher, typename... Rest>
    process::error_code on_exec_setup(Launcher& launcher, const Rest&...) noexcept {
        launcher.fd_whitelist.push_back(INT_MAX - 1);
        if (prepare()) return {};
        return {errno, process::system_category()};
    }

    template <typename... Anything>
    void on_exec_error(Anything&&...) noexcept {
        ::_exit(127);
    }

  private:
    bool prepare() noexcept {
        stage_.reached(Stage::process_group);
        if (::setpgid(0, 0) != 0) return false;
        // All signals are still blocked, TTOU among them, which would suspend us here.
        // No terminal, or no longer ours (ENOTTY, ENXIO, EBADF): then there is none to hand over.
        if (launch_.terminal) ::tcsetpgrp(STDIN_FILENO, ::getpid());
        if (launch_.first_victim) become_first_victim();
        stage_.reached(Stage::folder);
        if (!launch_.folder.empty() && ::chdir(launch_.folder.c_str()) != 0) return false;
        stage_.reached(Stage::descriptors);
        if (launch_.output && (::dup2(*launch_.output, STDOUT_FILENO) < 0 ||
                               ::dup2(*launch_.output, STDERR_FILENO) < 0)) {
            return false;
        }
        if (launch_.error_output && ::dup2(*launch_.error_output, STDERR_FILENO) < 0) return false;
        for (const int fd : launch_.keep) {
            if (::fcntl(fd, F_SETFD, 0) != 0) return false;
        }
        stage_.reached(Stage::mask);
        if (!signals::reset_for_child()) return false;
        stage_.reached(Stage::execute);
        return true;
    }

    const Launch& launch_;
    SharedStage& stage_;
};

std::vector<const char*> pointers(const std::vector<std::string>& strings) {
    std::vector<const char*> result;
    result.reserve(strings.size() + 1);
    for (const auto& string : strings) result.push_back(string.c_str());
    result.push_back(nullptr);
    return result;
}

Spawned launch_once(boost::asio::io_context& loop, const Launch& launch) {
    const auto environment = pointers(launch.environment);
    auto argv = pointers(launch.command); // whole: argv[0] is the name as given, not the path found
    SharedStage stage;
    process::posix::default_launcher launcher; // a fresh one each time: it keeps its argv
    launcher.env = environment.data();
    const pid_t self = ::getpid();
    process::error_code error;
    try {
        launcher(loop.get_executor(), error, launch.path, argv.data(), ChildSetup{launch, stage})
            .detach();
    } catch (...) {
        if (::getpid() != self) ::_exit(127);
        throw;
    }
    if (::getpid() != self) ::_exit(127);
    ::kill(self, SIGCHLD);
    return {.pid = launcher.pid, .error = error.value(), .stage = stage.last()};
}

} // namespace

Spawned spawn(boost::asio::io_context& loop, const Launch& launch) {
    auto spawned = launch_once(loop, launch);
    if (spawned.error == ENOEXEC) {
        Launch shell = launch;
        shell.path = "/bin/sh";
        shell.command[0] = launch.path;
        shell.command.insert(shell.command.begin(), "sh");
        spawned = launch_once(loop, shell);
    }
    return spawned;
}

int exit_code_of_failure(const Spawned& failed) {
    if (failed.stage != Stage::execute) return core::exit_own_error;
    switch (failed.error) {
    case ENOENT:
    case ENOTDIR: return core::exit_not_found;
    case ENOMEM:
    case EAGAIN: return core::exit_own_error;
    default: return core::exit_not_executable;
    }
}

namespace {

const char* advice(const Spawned& failed, const std::string& path) {
    if (failed.stage != Stage::execute) {
        if (failed.error == EAGAIN) return "raise the limit of processes (--pids-limit, ulimit -u)";
        if (failed.error == ENOMEM) return "raise the container's memory limit";
        if (failed.stage == Stage::folder) return "let this user enter it";
        return "this is the system's refusal, see seccomp and the container's limits";
    }
    switch (failed.error) {
    case ENOENT:
        if (path.find('/') == std::string::npos) {
            return "it is in no folder of PATH; give its whole path, and each argument by itself";
        }
        return "check the path, and the interpreter in the file's first line";
    case EACCES: return "chmod +x it, and see that its file system is not mounted noexec";
    case E2BIG: return "its arguments and environment are too long";
    case ETXTBSY: return "it is being written; start it again when that is done";
    default: return "is it a program of this machine's architecture?";
    }
}

const char* step(Stage stage) {
    switch (stage) {
    case Stage::fork: return "fork";
    case Stage::process_group: return "give it a process group";
    case Stage::folder: return "enter its folder";
    case Stage::descriptors: return "hand over its descriptors";
    case Stage::mask: return "reset its signals";
    case Stage::execute: return "exec";
    }
    return "?";
}

} // namespace

std::string describe_failure(const Spawned& failed, const std::string& path) {
    return path + " could not be started: " + step(failed.stage) + ": " +
           std::generic_category().message(failed.error) + "; " + advice(failed, path);
}

} // namespace sluice::os
