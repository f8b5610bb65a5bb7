#include "fleet/engine/engine.h"

#include <utility>

namespace sluice::fleet {

namespace {

constexpr std::size_t most_at_a_time = 64;
constexpr std::size_t longest_answer = 16U << 20U; // the list of some thousand containers
constexpr int log_lines = 2'000;

} // namespace

void Engine::get(std::string target, OnAnswer on_answer) {
    queue({.target = std::move(target), .limit = engine_patience, .longest_answer = longest_answer},
          std::move(on_answer));
}

void Engine::post(std::string target, std::string body, std::chrono::milliseconds limit,
                  OnAnswer on_answer) {
    queue({.post = true,
           .target = std::move(target),
           .body = std::move(body),
           .limit = limit,
           .longest_answer = longest_answer},
          std::move(on_answer));
}

void Engine::get_log(const std::string& id, std::string_view since, std::string_view until,
                     OnAnswer on_answer) {
    get("/containers/" + id + "/logs?stdout=1&stderr=1&tail=" + std::to_string(log_lines) +
            "&since=" + std::string(since) + "&until=" + std::string(until),
        std::move(on_answer));
}

std::shared_ptr<HttpStream> Engine::start_exec(const std::string& exec, StreamCalls calls) {
    return open_stream(loop_, endpoint_,
                       {.post = true,
                        .target = "/exec/" + exec + "/start",
                        .body = R"({"Detach":false,"Tty":false})",
                        .limit = engine_patience,
                        .longest_answer = longest_answer},
                       std::move(calls));
}

void Engine::queue(HttpRequest request, OnAnswer on_answer) {
    waiting_.emplace_back(std::move(request), std::move(on_answer));
    next();
}

void Engine::next() {
    while (under_way_ < most_at_a_time && !waiting_.empty()) {
        auto [request, on_answer] = std::move(waiting_.front());
        waiting_.pop_front();
        ++under_way_;
        ask(loop_, endpoint_, std::move(request),
            [this, on_answer = std::move(on_answer)](std::variant<std::string, Trouble> answer) {
                --under_way_;
                on_answer(std::move(answer));
                next();
            });
    }
}

} // namespace sluice::fleet
