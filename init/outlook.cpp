#include "init/outlook.h"

#include <algorithm>
#include <utility>

#include "init/os/proc.h"

namespace sluice {

namespace {

using core::Worker;

Worker::State state_of(fpm::State state) {
    switch (state) {
    case fpm::State::idle: return Worker::State::idle;
    case fpm::State::reading_headers: return Worker::State::waiting;
    case fpm::State::creating:
    case fpm::State::getting_information:
    case fpm::State::running:
    case fpm::State::ending:
    case fpm::State::finishing:
    case fpm::State::unknown: break;
    }
    return Worker::State::busy;
}

void add(const fpm::Status& status, core::Sight& sight) {
    for (const auto& worker : status.workers) {
        sight.workers->push_back(
            {.pid = worker.pid,
             .pool = status.pool,
             .state = state_of(worker.state),
             .age = std::chrono::duration_cast<std::chrono::milliseconds>(worker.duration),
             .script = worker.script.empty() ? worker.uri : worker.script});
    }
    sight.served = sight.served.value_or(0) + status.accepted;
}

} // namespace

void Outlook::look(core::Which which, std::vector<pid_t> paused,
                   std::function<void(core::Sight)> seen) {
    core::Sight sight;
    sight.resets = os::tcp_resets_sent();
    sight.all_paused = std::ranges::all_of(paused, os::is_paused);
    intake_.look(sight, which);
    if (!inquiry_->can_ask()) {
        seen(std::move(sight));
        return;
    }
    inquiry_->ask(
        fpm::usual_answer_limit,
        [this, which, paused = std::move(paused), seen = std::move(seen),
         sight = std::move(sight)](const std::optional<std::vector<fpm::Status>>& pools) mutable {
            // A worker whose connection is kept open does not end on SIGQUIT, FPM waits for it, and
            // what is seen now may bring the signal. Connecting anew for the next look takes 0.1
            // ms.
            inquiry_->close();
            // Whether a request has come for a worker that stands still is to be the last thing
            // seen.
            if (!paused.empty()) intake_.look(sight, which);
            sight.asked_in_vain = !pools;
            if (pools) {
                sight.workers.emplace();
                for (const auto& status : *pools) add(status, sight);
            }
            seen(std::move(sight));
        });
}

} // namespace sluice
