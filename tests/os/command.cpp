#include "init/os/command.h"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <string>

namespace sluice::os {

using namespace std::chrono_literals;

namespace {

// Writes numbered lines of 64 bytes.
Launch writes_lines(int count) {
    const auto script = "i=0; while [ $i -lt " + std::to_string(count) +
                        " ]; do printf '%063d\\n' $i; i=$((i + 1)); done";
    return {.path = "/bin/sh", .command = {"sh", "-c", script}, .environment = {}};
}

std::string lines(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        const auto number = std::to_string(i);
        text += std::string(63 - number.size(), '0') + number + "\n";
    }
    return text;
}

// Without reaping it.
void await_end(pid_t pid) {
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
}

} // namespace

TEST_CASE("a command's output is whole, however much of it was read when its end is told") {
    constexpr int count = 900; // 57,600 bytes, which a pipe holds
    for (int handled = 0; handled < 20; ++handled) {
        CAPTURE(handled);
        boost::asio::io_context loop;
        std::optional<Captured> captured;
        Command command(loop, writes_lines(count), 20s,
                        [&](const Captured& result) { captured = result; });
        REQUIRE(command.pid() > 0);
        await_end(command.pid());
        for (int i = 0; i < handled; ++i) loop.poll_one();
        int status = 0;
        REQUIRE(::waitpid(command.pid(), &status, 0) == command.pid());
        command.ended(status);
        REQUIRE(captured);
        CHECK(captured->output == lines(count));
        loop.poll();
        CHECK(captured->output.size() == lines(count).size());
    }
}

} // namespace sluice::os
