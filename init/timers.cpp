#include "init/timers.h"

namespace sluice {

using namespace std::chrono_literals;

void Timers::arm(core::Timer timer, core::Which of, core::TimePoint at) {
    const Name name(timer, of);
    auto& slot = slots_.try_emplace(name, Slot{boost::asio::steady_timer(loop_)}).first->second;
    ++slot.armed;
    slot.clock.expires_at(at);
    wait(name, slot, true);
}

void Timers::wait(Name name, Slot& slot, bool let_others_first) {
    slot.clock.async_wait([this, name, &slot, let_others_first,
                           armed = slot.armed](const boost::system::error_code& error) {
        if (error || armed != slot.armed) return;
        const auto late = core::TimePoint::clock::now() - slot.clock.expiry();
        if (late > 1s && let_others_first) {
            // The whole container stood still (docker pause) and has just gone on: the service may
            // have ended in time, and its end is waiting to be read.
            slot.clock.expires_after(10ms);
            wait(name, slot, false);
            return;
        }
        fired_(name.first, name.second);
    });
}

} // namespace sluice
