// bad_upstream ADDRESS MODE: a server that fails in one certain way, to see how a failure looks to
// nginx, to http_load and to fcgi_load. ADDRESS is as theirs. It speaks FastCGI to who speaks
// FastCGI, and HTTP otherwise.
//   reset     reads the request and resets the connection
//   close     reads the request and closes the connection
//   queue     never accepts: closes the listener, and so resets what is in its accept queue
//   hang      never answers
//   truncate  closes in the middle of the answer
//   wrong     answers with another request's token
//   slow      answers after 300 ms
//   older     answers as version 1, 2 and 1 of the code, in turns
//   second    answers, keeps the connection, and resets it at the next request
//   full      never accepts, and its accept queue is full
//   late      its accept queue is full until a SYN has been dropped; then it answers all
// It says "ready" on stdout when it listens and runs until it is killed.
#include "tests/load/address.h"

#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

int listen_on(const load::Address& address, int backlog) {
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address.get(), address.size) != 0 || listen(fd, backlog) != 0) {
        std::perror("bad_upstream");
        std::exit(1);
    }
    return fd;
}

void wait_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    poll(&entry, 1, -1);
}

std::string token_in(const std::string& request) {
    const auto at = request.find("token=");
    if (at == std::string::npos) return "";
    auto end = at + 6;
    while (end < request.size() &&
           (std::isxdigit(static_cast<unsigned char>(request[end])) != 0 || request[end] == '-'))
        ++end;
    return request.substr(at + 6, end - at - 6);
}

std::string fastcgi_record(char type, const std::string& content) {
    const char header[8] = {1, type, 0, 1, 0, static_cast<char>(content.size()), 0, 0};
    return std::string(header, sizeof header) + content;
}

struct Answer {
    std::string whole;
    std::string half;
};

/// `more` is what the line has before its last word.
Answer answer_to(const std::string& request, const std::string& token, const std::string& more) {
    const std::string text = "ok " + token + " body=0 pid=0" + more + " end\n";
    const std::string half = text.substr(0, text.size() / 2);
    if (request.starts_with('\1')) {
        const std::string head = "Content-Type: text/plain\r\n\r\n";
        const std::string end = fastcgi_record(3, std::string(8, '\0'));
        return {fastcgi_record(6, head + text) + end, fastcgi_record(6, head + half)};
    }
    const std::string head =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " + std::to_string(text.size()) +
        "\r\n\r\n";
    return {head + text, head + half};
}

void reset(int fd) {
    const linger now{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

std::string receive(int fd) {
    char buffer[65536];
    const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
    return {buffer, n > 0 ? static_cast<std::size_t>(n) : 0};
}

std::string next_version() {
    static int answers = 0;
    return answers++ % 3 == 1 ? " version=2 file=/new.php" : " version=1 file=/old.php";
}

void serve(int fd, std::string_view mode) {
    const std::string request = receive(fd);
    if (mode == "reset") return reset(fd);
    if (mode == "hang") return; // and keeps the connection
    if (mode == "slow") poll(nullptr, 0, 300);
    const Answer answer = answer_to(request, mode == "wrong" ? "0-0" : token_in(request),
                                    mode == "older" ? next_version() : "");
    const std::string& text = mode == "truncate" ? answer.half : answer.whole;
    if (mode != "close") send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (mode == "second" && !receive(fd).empty()) return reset(fd);
    close(fd);
}

[[noreturn]] void serve_all(int listener, std::string_view mode) {
    for (;;) serve(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC), mode);
}

[[noreturn]] void drop_queues(const load::Address& address, const char* path, int listener) {
    for (;;) {
        wait_readable(listener);
        close(listener);
        if (address.family() == AF_UNIX) unlink(path);
        listener = listen_on(address, 64);
    }
}

/// True while some socket of this machine waits in SYN_SENT (02) for the port.
bool has_waiting_syn(int port) {
    char wanted[32];
    std::snprintf(wanted, sizeof wanted, "0100007F:%04X 02", static_cast<unsigned>(port));
    std::FILE* table = std::fopen("/proc/net/tcp", "re");
    bool found = false;
    for (char line[256]; std::fgets(line, sizeof line, table) != nullptr;)
        found = found || std::strstr(line, wanted) != nullptr;
    std::fclose(table);
    return found;
}

/// With a backlog of 0 one connection fills the accept queue.
void fill_queue(const load::Address& address) {
    const int fd = socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect(fd, address.get(), address.size);
    shutdown(fd, SHUT_WR);
}

void wait_for_waiting_syn(int port) {
    while (!has_waiting_syn(port)) poll(nullptr, 0, 5);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const auto address = load::parse_address(argv[1]);
    if (!address) return 2;
    const std::string_view mode = argv[2];
    const int listener = listen_on(*address, mode == "late" || mode == "full" ? 0 : 64);
    if (mode == "late" || mode == "full") fill_queue(*address);
    std::puts("ready");
    std::fflush(stdout);
    if (mode == "queue") drop_queues(*address, argv[1], listener);
    if (mode == "full") pause();
    if (mode == "late") wait_for_waiting_syn(std::atoi(argv[1]));
    serve_all(listener, mode);
}
