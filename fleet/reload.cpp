#include "fleet/reload.h"

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "fleet/ask/ask.h"
#include "fleet/engine/answers.h"
#include "fleet/reload_steps.h"

namespace sluice::fleet {

namespace {

constexpr int not_found = 404; // HTTP

std::string changed_since(const Container& before, const std::optional<Container>& now) {
    if (!now) return "the Engine's answer about it makes no sense";
    if (now->status == "paused") return "it is paused; `docker unpause` it";
    if (!now->running()) {
        return "it ended meanwhile with status " + std::to_string(now->exit_code);
    }
    if (now->started_at != before.started_at) return "it was started again meanwhile";
    return {};
}

// The Engine learns of a container's end a moment after its processes have gone.
constexpr int looks = 4;
constexpr std::chrono::milliseconds between_looks(250);

class Explanation : public std::enable_shared_from_this<Explanation> {
  public:
    Explanation(Engine& engine, Container before, std::string trouble,
                std::function<void(std::string)> on_sentence)
        : engine_(engine),
          before_(std::move(before)),
          trouble_(std::move(trouble)),
          on_sentence_(std::move(on_sentence)),
          pause_(engine.loop()) {}

    void look() {
        engine_.get("/containers/" + before_.id + "/json",
                    [self = shared_from_this()](const auto& answer) { self->looked(answer); });
    }

  private:
    void looked(const std::variant<std::string, Trouble>& answer) {
        if (const auto* const why = std::get_if<Trouble>(&answer)) {
            return on_sentence_(why->status == not_found ? "it has gone meanwhile" : trouble_);
        }
        const auto change = changed_since(before_, parse_container(std::get<std::string>(answer)));
        if (!change.empty()) return on_sentence_(change);
        if (++looked_ == looks) return on_sentence_(trouble_);
        pause_.expires_after(between_looks);
        pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->look();
        });
    }

    Engine& engine_;
    Container before_;
    std::string trouble_;
    std::function<void(std::string)> on_sentence_;
    boost::asio::steady_timer pause_;
    int looked_ = 0;
};

Outcome outcome_of(int exit_code, const ReloadSteps& steps) {
    const auto& text = steps.outcome();
    if (exit_code == 0) return {.text = text};
    return {.kind = steps.rolled_back() ? Outcome::Kind::rolled_back : Outcome::Kind::failed,
            .text = text.empty() ? "sluice exited with " + std::to_string(exit_code) : text};
}

} // namespace

void explain(Engine& engine, const Container& before, std::string trouble,
             std::function<void(std::string)> on_sentence) {
    std::make_shared<Explanation>(engine, before, std::move(trouble), std::move(on_sentence))
        ->look();
}

void reload(Engine& engine, const Container& container, std::chrono::milliseconds limit,
            OnStep on_step, OnOutcome on_outcome) {
    const auto steps = std::make_shared<ReloadSteps>();
    on_step(steps->step());
    ask_sluice(
        engine, container, {.request = control::Request::reload_wait, .limit = limit},
        {.on_line =
             [steps, on_step = std::move(on_step)](Channel channel, const std::string& line) {
                 if (channel == Channel::out) {
                     steps->out(line);
                 } else {
                     steps->err(line);
                 }
                 on_step(steps->step());
             },
         .on_end =
             [&engine, container, steps, on_outcome = std::move(on_outcome)](const ExecEnd& end) {
                 // 125: sluice could not be asked to the end; 137: killed with its container.
                 if (end.exit_code && *end.exit_code <= 1) {
                     return on_outcome(outcome_of(*end.exit_code, *steps));
                 }
                 auto trouble =
                     end.exit_code ? outcome_of(*end.exit_code, *steps).text : end.trouble;
                 explain(engine, container, std::move(trouble),
                         [on_outcome](const std::string& sentence) {
                             on_outcome({.kind = Outcome::Kind::failed, .text = sentence});
                         });
             }});
}

} // namespace sluice::fleet
