#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

#include "processes.h"
#include "sluice.h"

namespace tests {

namespace {

void start_with_signals_ignored_and_blocked() {
    for (const int signal : {SIGUSR1, SIGPIPE, SIGHUP, SIGRTMIN + 2}) ::signal(signal, SIG_IGN);
    sigset_t some;
    sigemptyset(&some);
    for (const int signal : {SIGTERM, SIGUSR2, SIGRTMIN + 3}) sigaddset(&some, signal);
    ::sigprocmask(SIG_BLOCK, &some, nullptr);
}

const std::vector<std::string> print_signals{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"};
const std::string no_signals = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n";

// Makes descriptors 3 and 7 of /dev/null.
void open_three_and_seven() {
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (const int number : {3, 7}) {
        if (fd == number) {
            ::fcntl(fd, F_SETFD, 0);
        } else {
            ::dup2(fd, number);
        }
    }
}

std::string output_of(const Launch& launch) {
    Sluice sluice(launch);
    CHECK(sluice.exit_status() == 0);
    return sluice.out();
}

} // namespace

TEST_CASE("the service starts with an empty mask and default dispositions") {
    const Mode mode = each_mode();
    CHECK(output_of({.command = print_signals, .mode = mode}) == no_signals);
}

TEST_CASE("signals that sluice was started with ignored or blocked are not the service's") {
    const Mode mode = each_mode();
    CHECK(output_of({.command = print_signals,
                     .mode = mode,
                     .before_exec = start_with_signals_ignored_and_blocked}) == no_signals);
}

TEST_CASE("CHLD ignored by whoever starts sluice does not lose the service's status") {
    const auto ignore_chld = [] { ::signal(SIGCHLD, SIG_IGN); };
    CHECK(status_of({.command = shell("exit 7"), .before_exec = ignore_chld}) == 7);
    CHECK(output_of({.command = print_signals, .before_exec = ignore_chld}) == no_signals);
}

TEST_CASE("the service leads a process group of its own") {
    Sluice sluice({.command = {"sleep", "1000"}, .mode = each_mode()});
    const pid_t service = sluice.service();
    const auto process = state_of(service);
    REQUIRE(process);
    CHECK(process->group == service);
    CHECK(process->group != state_of(sluice.pid())->group);
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("sluice's variables are taken out, those of Kubernetes and all others stay") {
    const auto out = output_of({.command = {"env"},
                                .mode = each_mode(),
                                .environment = {{"SLUICE_LOG_LEVEL", "error"},
                                                {"SLUICE_CONFIG", ""},
                                                {"SLUICE_SOMETHING", "x"},
                                                {"SLUICE_SERVICE_HOST", "10.0.0.1"},
                                                {"SLUICE_PORT_80_TCP_ADDR", "10.0.0.2"},
                                                {"APP_ENV", "prod"},
                                                {"EMPTY", ""}}});
    CHECK(out.find("SLUICE_LOG_LEVEL") == std::string::npos);
    CHECK(out.find("SLUICE_CONFIG") == std::string::npos);
    CHECK(out.find("SLUICE_SOMETHING") == std::string::npos);
    CHECK(out.find("SLUICE_SERVICE_HOST=10.0.0.1\n") != std::string::npos);
    CHECK(out.find("SLUICE_PORT_80_TCP_ADDR=10.0.0.2\n") != std::string::npos);
    CHECK(out.find("APP_ENV=prod\n") != std::string::npos);
    CHECK(out.find("EMPTY=\n") != std::string::npos);
}

TEST_CASE("inherited descriptors are passed on, sluice's own are not") {
    const Mode mode = each_mode();
    CHECK(output_of({.command = role("descriptors"), .mode = mode}) == "descriptors 0 1 2\n");
    CHECK(output_of({.command = role("descriptors"),
                     .mode = mode,
                     .before_exec = open_three_and_seven}) == "descriptors 0 1 2 3 7\n");
}

TEST_CASE("an inherited descriptor reaches every run") {
    Sluice sluice({.command = role("descriptors"),
                   .options = {},
                   .config = "[service]\nrestart = \"always\"\nrestart_backoff = \"1ms..1ms\"\n"
                             "restart_limit = \"2 in 60s\"\n",
                   .before_exec = open_three_and_seven});
    CHECK(sluice.exit_status() == 0);
    CHECK(occurrences(sluice.out(), "descriptors 0 1 2 3 7\n") == 3);
}

TEST_CASE("an inherited pipe ends when the service is done with it, sluice holds no copy") {
    Pipe pipe;
    const auto keep_open = [&] { ::dup2(pipe.write_end.get(), 5); };
    Sluice sluice({.command = shell("exec 5>&-; echo closed; exec sleep 1000"),
                   .before_exec = keep_open}); // not as PID 1: unshare(1) holds a copy
    pipe.write_end.close();
    CHECK(sluice.says("closed"));
    ::fcntl(pipe.read_end.get(), F_SETFL, O_NONBLOCK);
    char byte = 0;
    CHECK(eventually([&] { return ::read(pipe.read_end.get(), &byte, 1) == 0; }));
    CHECK(sluice.stop() == 128 + SIGTERM);
}

TEST_CASE("argv[0] and all arguments arrive as they were given") {
    const Mode mode = each_mode();
    CHECK(output_of({.command = {"sh", "-c", "echo \"$0\""}, .mode = mode}) == "sh\n");
    CHECK(output_of({.command = {"printf", "<%s>", "", "a b", "--config", "--", "\n"},
                     .mode = mode}) == "<><a b><--config><--><\n>");
}

TEST_CASE("a script without #! is run by /bin/sh, with its arguments") {
    const TempFolder folder;
    const auto script = folder.write("script", "echo \"$0:$1:$#\"\n", 0755);
    CHECK(output_of({.command = {script, "a b"}, .mode = each_mode()}) == script + ":a b:1\n");
}

TEST_CASE("PATH is searched as the shell does it") {
    const Mode mode = each_mode();
    const TempFolder folder;
    folder.write("first/tool", "not executable\n", 0644);
    folder.write("second/tool", "#!/bin/sh\necho second\n", 0755);
    const auto path = folder.path("first") + ":" + folder.path("second");
    CHECK(output_of({.command = {"tool"},
                     .mode = mode,
                     .environment = {{"PATH", path + ":/usr/bin:/bin"}}}) == "second\n");
    CHECK(status_of({.command = {"tool"},
                     .mode = mode,
                     .environment = {{"PATH", folder.path("first") + ":/usr/bin:/bin"}}}) == 126);
    CHECK(status_of({.command = {"tool"}, .mode = mode}) == 127);
}

TEST_CASE("the service starts in the folder that sluice was started in, which is then let go") {
    const TempFolder folder;
    const auto enter = [&] { CHECK(::chdir(folder.path().c_str()) == 0); };
    CHECK(output_of({.command = {"pwd"}, .mode = each_mode(), .before_exec = enter}) ==
          folder.path() + "\n");
}

} // namespace tests
