#include "init/fpm/proof.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "init/os/json_text.h"

namespace sluice::fpm {

namespace asio = boost::asio;
using boost::system::error_code;
using namespace std::chrono_literals;

namespace {

constexpr auto first_pause = 10ms;
constexpr auto longest_pause = 500ms;
constexpr std::size_t most_output = 4'096;

std::string told(int error) {
    return error_code(error, boost::system::system_category()).message();
}

} // namespace

std::string wrong_with_ping(const Entrance& entrance, const Reply& reply) {
    switch (reply.end) {
    case Reply::End::not_connected: return "cannot connect: " + told(reply.error);
    case Reply::End::cut:
        return reply.error != 0 ? told(reply.error) : "the connection was closed without an answer";
    case Reply::End::no_fastcgi: return "the answer is no FastCGI";
    case Reply::End::whole: break;
    }
    const auto page = parse_page(reply.output);
    if (!page) return "the answer is no page";
    constexpr int ok = 200;
    if (page->status == ok && page->body == entrance.ping_response) return {};
    constexpr std::size_t shown = 60;
    return "status " + std::to_string(page->status) + " and \"" +
           os::one_line(page->body.substr(0, shown)) + "\" instead of \"" +
           os::one_line(entrance.ping_response) + "\"";
}

/// One pool's pings until the first good one.
class Proof::Pool {
  public:
    Pool(Proof& proof, Entrance entrance)
        : proof_(proof), entrance_(std::move(entrance)), clock_(proof.loop_) {}

    ~Pool() { close(); }

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    void ping_after(std::chrono::milliseconds pause) {
        clock_.set(pause, [this] { ping(); });
    }

    // Empty: it has answered.
    std::string missing() const {
        return answered_ ? "" : "pool " + entrance_.pool + " (" + problem_ + ")";
    }

  private:
    void ping() {
        auto begun = entrance_.way_in.connect();
        if (const int* const error = std::get_if<int>(&begun)) {
            again("cannot connect: " + told(*error));
            return;
        }
        connection_ = std::make_shared<Connection>(proof_.loop_, most_output);
        connection_->open(std::get<net::OwnConnection>(std::move(begun)));
        connection_->ask(own_page_request(entrance_.ping_path, ""),
                         [this](const Reply& reply) { take(wrong_with_ping(entrance_, reply)); });
    }

    void take(std::string problem) {
        close();
        if (!problem.empty()) {
            again(std::move(problem));
            return;
        }
        answered_ = true;
        proof_.one_answered(); // which may end the proof, and this with it
    }

    void again(std::string problem) {
        problem_ = std::move(problem);
        ping_after(std::exchange(pause_, std::min(2 * pause_, longest_pause)));
    }

    void close() {
        if (connection_) connection_->close();
        connection_.reset();
    }

    Proof& proof_;
    Entrance entrance_;
    Alarm clock_;
    std::shared_ptr<Connection> connection_;
    std::chrono::milliseconds pause_ = first_pause;
    std::string problem_ = "no answer to its ping yet";
    bool answered_ = false;
};

Proof::Proof(asio::io_context& loop, std::vector<Entrance> entrances) : loop_(loop), none_(loop) {
    for (auto& entrance : entrances) {
        pools_.push_back(std::make_unique<Pool>(*this, std::move(entrance)));
    }
}

Proof::~Proof() = default;

void Proof::start(std::function<void()> answered) {
    answered_ = std::move(answered);
    left_ = pools_.size();
    for (const auto& pool : pools_) pool->ping_after(0ms);
    if (left_ > 0) return;
    left_ = 1;
    none_.set(0ms, [this] { one_answered(); });
}

void Proof::one_answered() {
    if (--left_ > 0) return;
    const auto answered = std::move(answered_);
    answered();
}

std::string Proof::missing() const {
    std::string text;
    for (const auto& pool : pools_) {
        const auto one = pool->missing();
        if (one.empty()) continue;
        text += text.empty() ? "" : ", ";
        text += one;
    }
    return text;
}

} // namespace sluice::fpm
