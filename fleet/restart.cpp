#include "fleet/restart.h"

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <utility>

#include "fleet/ask/ask.h"
#include "fleet/choice.h"
#include "fleet/closing.h"
#include "fleet/engine/answers.h"
#include "fleet/engine/frames.h"
#include "fleet/engine/log_time.h"
#include "init/core/exit_status.h"
#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fleet {

namespace {

using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Answer = std::variant<std::string, Trouble>;
using Clock = std::chrono::steady_clock;

constexpr seconds usual_stop_timeout(10); // Docker's
// For what the Engine does besides waiting: after SIGKILL it waits up to 10 s, then it starts.
constexpr seconds stop_slack(30);
// PHP-FPM takes 0.2 s. To ask sluice itself costs next to nothing; a command in the container a
// sixth of a restart (0.1 of 0.6 s of processor time, measured with 20 containers).
constexpr milliseconds first_pause(50);
constexpr milliseconds first_pause_for_command(250);
constexpr milliseconds longest_pause(1'000);
// sluice listens after 0.1 s, on a machine that has much to do later.
constexpr seconds booting(1);
// A sluice that answers nobody for so long while its container runs has no control socket.
constexpr seconds silence(5);
constexpr seconds health_patience(10);
constexpr int not_found = 404;    // HTTP
constexpr int not_modified = 304; // to a start: it runs
// Its closing line is written in the last moments of a run; the log's times are those of its
// reader.
constexpr seconds last_moments(3);

class Restart : public std::enable_shared_from_this<Restart> {
  public:
    Restart(Engine& engine, Container container, milliseconds limit, OnStep on_step,
            OnOutcome on_outcome)
        : engine_(engine),
          container_(std::move(container)),
          limit_(limit),
          on_step_(std::move(on_step)),
          on_outcome_(std::move(on_outcome)),
          pause_(engine.loop()),
          next_pause_(asks_directly(engine, container_) ? first_pause : first_pause_for_command) {}

    void start() {
        on_step_("restarting");
        const auto stop = container_.stop_timeout.value_or(usual_stop_timeout);
        engine_.post(
            path("/restart"), "", stop + stop_slack + limit_,
            [self = shared_from_this()](const Answer& answer) { self->restarted(answer); });
    }

  private:
    std::string path(const std::string& what) const {
        return "/containers/" + container_.id + what;
    }

    void restarted(const Answer& answer) {
        until_ = Clock::now() + limit_;
        answered_ = Clock::now();
        started_ = Clock::now();
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) {
            if (trouble->status == not_found) return fail("it has gone meanwhile");
            return start_again(trouble->text);
        }
        on_step_("starting");
        pause();
    }

    // The Engine gave up half way: the container may have been stopped.
    void start_again(const std::string& why) {
        engine_.post(path("/start"), "", engine_patience,
                     [self = shared_from_this(), why](const Answer& answer) {
                         const auto* const trouble = std::get_if<Trouble>(&answer);
                         if (trouble == nullptr) {
                             self->fail(why + "; it was started once more");
                         } else if (trouble->status == not_modified) {
                             self->fail(why + "; it runs");
                         } else {
                             self->fail(why +
                                        "; it may stand still, for it could not be started: " +
                                        trouble->text);
                         }
                     });
    }

    void look() {
        engine_.get(path("/json"),
                    [self = shared_from_this()](const Answer& answer) { self->looked(answer); });
    }

    void looked(const Answer& answer) {
        if (const auto* const trouble = std::get_if<Trouble>(&answer)) {
            return fail(trouble->status == not_found ? "it has gone meanwhile" : trouble->text);
        }
        const auto now = parse_container(std::get<std::string>(answer));
        if (!now) return fail("the Engine's answer about it makes no sense");
        now_ = *now;
        if (now_.status == "restarting") return wait("it ends again and again");
        if (now_.status == "paused") return fail("it is paused; `docker unpause` it");
        if (!now_.running()) {
            return fail("it ended with status " + std::to_string(now_.exit_code) +
                        " when it had been started; see `docker logs " + container_.name + "`");
        }
        if (now_.health != Container::Health::none && !checks_by_sluice(now_)) {
            return by_health_check();
        }
        words_ = now_.command;
        if (started_with_sluice(now_) == true) return ask_health();
        ask_processes();
    }

    // Its entrypoint may not have come to sluice yet: PID 1 is that until then.
    void ask_processes() {
        engine_.get(path("/top?ps_args=-o%20pid,args"),
                    [self = shared_from_this()](const Answer& answer) {
                        const auto* const text = std::get_if<std::string>(&answer);
                        const auto processes = text != nullptr ? parse_top(*text) : std::nullopt;
                        if (!processes || !runs_sluice(self->now_, *processes)) {
                            return self->wait("its entrypoint has not executed sluice yet");
                        }
                        self->words_ = words_of_first(self->now_, *processes);
                        self->ask_health();
                    });
    }

    void by_health_check() {
        on_step_("health check");
        switch (now_.health) {
        case Container::Health::healthy: return up("its health check is content");
        case Container::Health::unhealthy:
            return fail("its health check says that it is unhealthy: " +
                        os::one_line(now_.health_output.substr(0, 500)));
        case Container::Health::none:
        case Container::Health::starting:
            return wait("its health check has not said yet that it is healthy");
        }
    }

    void ask_health() {
        on_step_("health");
        said_.clear();
        ask_sluice(
            engine_, now_,
            {.request = control::Request::health,
             .limit = health_patience,
             .just_started = Clock::now() - started_ < booting},
            {.on_line = [self = shared_from_this()](
                            Channel, const std::string& line) { self->said_ = line; },
             .on_end = [self = shared_from_this()](const ExecEnd& end) { self->has_health(end); }});
    }

    void has_health(const ExecEnd& end) {
        if (end.exit_code == 0) return up(os::one_line(said_));
        if (!end.direct) next_pause_ = std::max(next_pause_, first_pause_for_command);
        const bool unheard = end.exit_code ? end.exit_code == core::exit_own_error : end.direct;
        const bool silent = unheard && !runs_known_service(words_);
        if (!silent) answered_ = Clock::now();
        if (silent && Clock::now() - answered_ >= silence) {
            return up("it runs; its sluice has no control socket to tell more");
        }
        wait(end.exit_code ? os::one_line(said_) : end.trouble);
    }

    void wait(const std::string& why) {
        if (Clock::now() >= until_) {
            return fail("it is not up after " + core::in_words(limit_) + ": " + why);
        }
        pause();
    }

    void pause() {
        pause_.expires_after(next_pause_);
        next_pause_ = std::min(next_pause_ * 2, longest_pause);
        pause_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->look();
        });
    }

    void up(const std::string& how) {
        const auto since = log_time(now_.finished_at, -last_moments);
        const auto until = log_time(now_.started_at, seconds(0));
        if (since.empty() || until.empty()) return end({.text = how});
        engine_.get_log(container_.id, since, until,
                        [self = shared_from_this(), how](const Answer& answer) {
                            self->end({.text = how, .cut = self->cut_in(answer)});
                        });
    }

    std::optional<std::int64_t> cut_in(const Answer& answer) const {
        const auto* const log = std::get_if<std::string>(&answer);
        if (log == nullptr) return {};
        std::string text;
        if (now_.tty) {
            text = *log;
        } else {
            Frames().take(*log, [&](Channel, std::string_view piece) { text += piece; });
        }
        const auto closing = find_closing(text);
        return closing ? std::optional(closing->cut + closing->lost) : std::nullopt;
    }

    void fail(const std::string& why) { end({.kind = Outcome::Kind::failed, .text = why}); }

    void end(Outcome outcome) const { on_outcome_(std::move(outcome)); }

    Engine& engine_;
    Container container_;
    Container now_;
    milliseconds limit_;
    OnStep on_step_;
    OnOutcome on_outcome_;
    boost::asio::steady_timer pause_;
    milliseconds next_pause_;
    Clock::time_point until_;
    Clock::time_point started_;
    Clock::time_point answered_; // the last time that it did not just keep silent
    std::string said_;
    std::vector<std::string> words_; // of its first process
};

} // namespace

void restart(Engine& engine, const Container& container, milliseconds limit, OnStep on_step,
             OnOutcome on_outcome) {
    std::make_shared<Restart>(engine, container, limit, std::move(on_step), std::move(on_outcome))
        ->start();
}

} // namespace sluice::fleet
