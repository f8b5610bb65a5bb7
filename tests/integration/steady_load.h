#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "place.h"

namespace tests {

/// Clients that ask for one script all the time, each with one new connection after the other. What
/// becomes of every request is counted; the sum is what was sent.
class SteadyLoad {
  public:
    struct Tally {
        int answered = 0;
        int lost = 0;    // connect() succeeded, and no whole answer came
        int refused = 0; // it did not
        std::map<std::string, int> answers = {};

        bool met(const std::string& answer) const { return answers.contains(answer); }
    };

    SteadyLoad(const Place& place, const std::string& script, int clients = 2);
    ~SteadyLoad();
    SteadyLoad(const SteadyLoad&) = delete;
    SteadyLoad& operator=(const SteadyLoad&) = delete;

    Tally so_far();

    /// True as soon as somebody has got this answer to a request that was sent from now on.
    bool meets(const std::string& answer);

    /// Waits for the requests under way.
    Tally end();

  private:
    void ask(const Place& place, const std::string& script);

    std::mutex mutex_;
    Tally tally_;
    std::atomic<bool> ended_ = false;
    std::vector<std::thread> clients_;
};

} // namespace tests
