#include "fake_engine.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tests {

namespace {

// True if there is something to read before the end has come.
bool readable(int socket, int end) {
    std::array<pollfd, 2> both{pollfd{socket, POLLIN, 0}, pollfd{end, POLLIN, 0}};
    while (::poll(both.data(), both.size(), -1) < 0) {
    }
    return both[1].revents == 0;
}

// The whole request: its head, and a body of the length that it tells.
bool whole(const std::string& request) {
    const auto head = request.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::string field = "Content-Length: ";
    const auto at = request.find(field);
    const auto body =
        at == std::string::npos || at > head ? 0 : std::stoul(request.substr(at + field.size()));
    return request.size() >= head + 4 + body;
}

} // namespace

FakeEngine::FakeEngine(OnRequest on_request) : on_request_(std::move(on_request)) {
    listener_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path_name = path();
    REQUIRE(path_name.size() < sizeof address.sun_path);
    std::memcpy(static_cast<char*>(address.sun_path), path_name.c_str(), path_name.size());
    REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener_.get(), 128) == 0);
    acceptor_ = std::thread([this] { accept_all(); });
}

FakeEngine::~FakeEngine() {
    end_.write_end.close();
    acceptor_.join();
    for (auto& thread : threads_) thread.join();
}

std::vector<std::string> FakeEngine::requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
}

void FakeEngine::accept_all() {
    while (readable(listener_.get(), end_.read_end.get())) {
        const int client = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
        if (client < 0) continue;
        threads_.emplace_back([this, client] { serve(Descriptor(client)); });
    }
}

void FakeEngine::serve(const Descriptor& client) {
    std::string request;
    std::array<char, 4096> piece{};
    while (!whole(request)) {
        if (!readable(client.get(), end_.read_end.get())) return;
        const auto size = ::read(client.get(), piece.data(), piece.size());
        if (size <= 0) return;
        request.append(piece.data(), static_cast<std::size_t>(size));
    }
    const auto line = request.substr(0, request.find(" HTTP/"));
    Answer answer;
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(line);
        answer = on_request_(line);
    }
    std::string_view rest = answer.bytes;
    while (!rest.empty()) {
        const auto size = ::send(client.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (size <= 0) return;
        rest.remove_prefix(static_cast<std::size_t>(size));
    }
    if (!answer.hang) return;
    // Until the other side has gone, or we end.
    while (readable(client.get(), end_.read_end.get())) {
        if (::read(client.get(), piece.data(), piece.size()) <= 0) return;
    }
}

std::string http(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Type: application/json\r\n" +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string stream(const std::vector<std::pair<int, std::string>>& frames) {
    std::string bytes = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
    for (const auto& [channel, text] : frames) {
        std::string header(8, '\0');
        header[0] = static_cast<char>(channel);
        header[6] = static_cast<char>(text.size() / 256);
        header[7] = static_cast<char>(text.size() % 256);
        bytes += header + text;
    }
    return bytes;
}

} // namespace tests
