#include "steady_load.h"

#include <ctime>

#include "await.h"
#include "fastcgi.h"

namespace tests {

namespace {

// Between two requests of a client: it is to be there all the time, not to take the processor.
constexpr timespec pause{0, 4'000'000};

class CountedRequest : private KeptConnection {
  public:
    explicit CountedRequest(const Place& place) : KeptConnection(place) {}

    using KeptConnection::open;

    std::optional<std::string> answer(const std::string& script) {
        if (!ask(script, "", "/load.php", After::close)) return {};
        return KeptConnection::answer();
    }
};

} // namespace

SteadyLoad::SteadyLoad(const Place& place, const std::string& script, int clients) {
    for (int i = 0; i < clients; ++i) clients_.emplace_back([=, this] { ask(place, script); });
}

SteadyLoad::~SteadyLoad() {
    end();
}

void SteadyLoad::ask(const Place& place, const std::string& script) {
    while (!ended_) {
        CountedRequest request(place);
        const bool taken = request.open();
        const auto answer = taken ? request.answer(script) : std::nullopt;
        {
            const std::scoped_lock lock(mutex_);
            if (answer) {
                ++tally_.answered;
                ++tally_.answers[*answer];
            } else {
                ++(taken ? tally_.lost : tally_.refused);
            }
        }
        ::nanosleep(&pause, nullptr);
    }
}

SteadyLoad::Tally SteadyLoad::so_far() {
    const std::scoped_lock lock(mutex_);
    return tally_;
}

bool SteadyLoad::meets(const std::string& answer) {
    const auto met = [&] {
        const auto tally = so_far();
        const auto found = tally.answers.find(answer);
        return found == tally.answers.end() ? 0 : found->second;
    };
    // Each client may have one under way.
    const int enough = met() + static_cast<int>(clients_.size()) + 1;
    return eventually([&] { return met() >= enough; });
}

SteadyLoad::Tally SteadyLoad::end() {
    ended_ = true;
    for (auto& client : clients_) {
        if (client.joinable()) client.join();
    }
    return so_far();
}

} // namespace tests
