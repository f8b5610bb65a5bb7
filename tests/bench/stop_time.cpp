// bench_stop RUNS PORT SCRIPT COMMAND... -- CONTENDER...: starts PHP-FPM (COMMAND, which listens on
// 127.0.0.1:PORT) under each contender, waits until it has answered a request for SCRIPT, sends the
// contender's stop signal and takes the time until it is gone. The contenders take turns.
#include "tests/bench/contender.h"

#include <arpa/inet.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

std::string record(char type, const std::string& content) {
    const char header[8] = {1, type, 0, 1, 0, static_cast<char>(content.size()), 0, 0};
    return std::string(header, sizeof header) + content;
}

std::string param(const std::string& name, const std::string& value) {
    return std::string{static_cast<char>(name.size()), static_cast<char>(value.size())} + name +
           value;
}

std::string fastcgi_get(const std::string& script) {
    const std::string begin{0, 1, 0, 0, 0, 0, 0, 0};
    return record(1, begin) +
           record(4, param("SCRIPT_FILENAME", script) + param("REQUEST_METHOD", "GET")) +
           record(4, "") + record(5, "");
}

bool answers(int port, const std::string& request) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::string answer;
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
        char buffer[4096];
        for (ssize_t n = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0;)
            answer.append(buffer, static_cast<std::size_t>(n));
    }
    close(fd);
    return answer.find(" end\n") != std::string::npos;
}

void wait_for_answer(int port, const std::string& request, const std::string& name) {
    const std::int64_t deadline = bench::now_ns() + 10'000'000'000;
    while (!answers(port, request)) {
        if (bench::now_ns() > deadline) {
            std::fprintf(stderr, "bench_stop: PHP-FPM under %s does not answer\n", name.c_str());
            std::exit(1);
        }
        poll(nullptr, 0, 5);
    }
}

double one_stop(const bench::Contender& contender, const std::vector<std::string>& command,
                int port, const std::string& request) {
    const pid_t pid = bench::spawn(contender, command);
    wait_for_answer(port, request, contender.name);
    const std::int64_t began = bench::now_ns();
    kill(pid, contender.stop_signal);
    bench::wait_for_end(pid, contender);
    return double(bench::now_ns() - began) / 1e6;
}

} // namespace

int main(int argc, char** argv) {
    int at = 4;
    std::vector<std::string> command;
    for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) command.emplace_back(argv[at]);
    if (at + 1 >= argc || command.empty()) return 2;
    auto contenders = bench::parse_contenders({argv + at + 1, argv + argc});
    const int port = std::atoi(argv[2]);
    const std::string request = fastcgi_get(argv[3]);
    for (int i = std::atoi(argv[1]); i > 0; --i)
        for (auto& c : contenders) c.samples.push_back(one_stop(c, command, port, request));
    bench::print_table(contenders, "init");
    return 0;
}
