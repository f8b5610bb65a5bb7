#include "init/os/capture.h"

#include <unistd.h>

#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "init/os/reaper.h"
#include "signals/meaning.h"

namespace sluice::os {

namespace {

void reap_for(Command& command) {
    bool more = true;
    while (more) {
        for (const auto& change : reap(more).changes) {
            if (change.pid == command.pid() && change.ended) command.ended(change.wait_status);
        }
    }
}

} // namespace

Captured capture(boost::asio::io_context& loop, signals::Inbox& inbox, const signals::Rules& rules,
                 Launch launch, std::chrono::milliseconds limit) {
    std::optional<Captured> captured;
    std::vector<int> kept;
    Command command(loop, std::move(launch), limit,
                    [&](const Captured& result) { captured = result; });
    inbox.deliver_to([&](const std::vector<signals::Received>& batch) {
        for (const auto& received : batch) {
            if (received.signal == SIGCHLD) continue;
            if (signals::meaning_of(received.signal, rules).meaning == signals::Meaning::drain) {
                command.kill(Captured::End::asked_to_stop);
            } else {
                kept.push_back(received.signal);
            }
        }
        reap_for(command);
    });
    while (!captured) loop.run_one();
    inbox.deliver_to({});
    for (const int signal : kept) ::kill(::getpid(), signal);
    return std::move(*captured);
}

} // namespace sluice::os
