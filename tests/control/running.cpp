#include "running.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "init/control/address.h"
#include "init/control/reply.h"

namespace tests {

using namespace sluice::control;

sluice::core::Report some_report() {
    return {.version = "9.9",
            .service = "evil\x1b[2J",
            .kind = "php-fpm",
            .state = "running",
            .generations = {{.pid = 77, .workers = 8, .busy = 1, .requests = {"GET /\xC2\x9B"}}}};
}

void answer(Request request, const std::shared_ptr<Session>& session) {
    using State = Progress::State;
    switch (request) {
    case Request::status: session->line(encode_status(some_report())); break;
    case Request::reload_wait:
        session->line(encode_reply(Progress{"check", State::begins, {}, ""}));
        session->line(
            encode_reply(Progress{"check", State::done, std::chrono::milliseconds(12), "fine"}));
        session->line(encode_reply(Progress{"ready", State::begins, {}, ""}));
        session->line(encode_reply(Done{false, "rolled back: \x1b no answer"}));
        break;
    case Request::reload:
    case Request::stop:
    case Request::stop_now:
    case Request::health:
        session->line(encode_reply(Done{true, std::string(words_of(request)) + " taken"}));
        break;
    }
    session->end();
}

OnRequest Holding::take() {
    return [this](Request, std::shared_ptr<Session> session) {
        const std::scoped_lock lock(mutex);
        sessions.push_back(std::move(session));
    };
}

std::size_t Holding::count() {
    const std::scoped_lock lock(mutex);
    return sessions.size();
}

bool Holding::closed(std::size_t at) {
    const std::scoped_lock lock(mutex);
    return sessions.at(at)->closed();
}

Running::Running(const std::optional<std::string>& configured, OnRequest on_request) {
    server_.emplace(loop_, std::move(on_request));
    const auto problem = server_->open(configured);
    INFO(problem.value_or(""));
    REQUIRE_FALSE(problem.has_value());
    thread_ = std::thread([this] { loop_.run(); });
}

Running::Running(const std::string& configured, Holding& holding)
    : Running(configured, holding.take(), holding) {}

Running::Running(const std::string& configured, OnRequest on_request, Holding& holding)
    : Running(configured, std::move(on_request)) {
    holding_ = &holding;
}

Running::~Running() {
    close();
    if (holding_ != nullptr) holding_->sessions.clear();
}

void Running::close() {
    if (!thread_.joinable()) return;
    loop_.stop();
    thread_.join();
    server_.reset();
    loop_.restart();
    loop_.poll(); // what was queued for the server does no harm
}

std::chrono::nanoseconds Running::processor_time() {
    clockid_t clock{};
    timespec used{};
    REQUIRE(::pthread_getcpuclockid(thread_.native_handle(), &clock) == 0);
    REQUIRE(::clock_gettime(clock, &used) == 0);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

RawClient::RawClient(const std::string& address)
    : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto made = unix_address(address);
    REQUIRE(made.has_value());
    const auto* const plain = reinterpret_cast<const sockaddr*>(&made->storage);
    REQUIRE(::connect(socket_.get(), plain, made->size) == 0);
}

bool RawClient::send(const std::string& text) const {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const auto size =
            ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (size <= 0) return false;
        sent += static_cast<std::size_t>(size);
    }
    return true;
}

std::string RawClient::read_all() const {
    std::string text;
    std::array<char, 65'536> buffer;
    for (;;) {
        pollfd source{.fd = socket_.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&source, 1, std::chrono::milliseconds(patience).count()) == 1);
        const auto size = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (size <= 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
    }
}

Result run(const std::vector<std::string>& command,
           const std::map<std::string, std::string>& environment) {
    ChildProcess process({command, environment, {}});
    const auto status = process.wait();
    int code = -1;
    if (status) code = WIFSIGNALED(*status) ? 1'000 + WTERMSIG(*status) : WEXITSTATUS(*status);
    return {code, process.out(), process.err()};
}

Result sluice_client(std::vector<std::string> words,
                     const std::map<std::string, std::string>& environment) {
    words.insert(words.begin(), sluice_program());
    return run(words, environment);
}

std::string sluice_program() {
    const char* const chosen = std::getenv("SLUICE_UNDER_TEST");
    return std::filesystem::canonical(chosen != nullptr ? chosen : SLUICE_BINARY_DIR "/sluice");
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

bool is_root() {
    if (::geteuid() == 0) return true;
    MESSAGE("skipped: it needs root");
    return false;
}

} // namespace tests
