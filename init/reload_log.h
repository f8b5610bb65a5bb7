#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "init/control/reply.h"
#include "init/control/session.h"
#include "init/core/event.h"
#include "init/core/message.h"
#include "init/core/report.h"

namespace sluice {

/// What became of the reloads: of the last one for `sluice status`, and for those who wait for one
/// (`sluice reload --wait`) as it happens. It learns of everything from the lifecycle's messages.
class ReloadLog {
  public:
    /// How many clients may wait at once: a deploy that gives up waiting and asks anew leaves none
    /// behind, so these are many.
    static constexpr std::size_t most_waiting = 32;

    /// This client is about to ask for a reload: what is heard next tells which one is its. False:
    /// too many wait.
    bool ask(const std::shared_ptr<control::Session>& session);

    /// A step begins. `text`: what there is to say about it, if it will take a while.
    void begins(const std::string& step, const std::string& text = {});

    void hear(const core::Message& message, core::TimePoint now);

    /// The last lines of a generation that was given up.
    void keep_stderr(std::vector<std::string> lines);

    /// As of now; nothing: there was none.
    std::optional<core::Report::Reload> last(core::TimePoint now) const;

    bool another_waits() const { return another_waits_; }

  private:
    using Sessions = std::vector<std::shared_ptr<control::Session>>;

    void begin(const core::Message& message, core::TimePoint now);
    void step(const core::Message& message);
    void end(core::Report::Reload::Outcome outcome, const core::Message& message,
             core::TimePoint now);
    static void tell(Sessions& sessions, const control::Progress& progress);
    static void answer(const Sessions& sessions, bool ok, const std::string& text);

    std::optional<core::Report::Reload> last_;
    core::TimePoint begun_;
    Sessions asking_;    // not known yet for which one
    Sessions waiting_;   // for the one under way
    Sessions following_; // for the one after it
    bool another_waits_ = false;
};

} // namespace sluice
