#include <csignal>

#include "init/core/drain.h"
#include "init/core/words.h"

namespace sluice::core {

namespace {

const char* in_words(Closing way) {
    switch (way) {
    case Closing::refused: return "new connections refused";
    case Closing::held_off: return "new connections held off";
    case Closing::open: return "intake left open";
    }
    return "?";
}

} // namespace

int Drain::ended(int exit_code, TimePoint now) {
    service_.reset(); // the generation before may go on for a while, and the looks with it
    ended_at_ = now;
    const int expected = certain_ ? SIGTERM : stop_.signal.value_or(signal_);
    const bool by_stop = exit_code == 128 + expected;
    died_ = exit_code > 128 && !by_stop;
    // FPM that is just executing itself anew (its own reload) has no handler. Nothing was in
    // flight, so to end there and then is as good an end as any.
    return fpm_ && certain_ && phase_ == Phase::asked && by_stop ? 0 : exit_code;
}

std::optional<TimePoint> Drain::last_moment() const {
    if (!deadline_) return {};
    return *deadline_ + stop_.kill_after;
}

std::string Drain::how_it_ended() const {
    if (phase_ < Phase::terminated) return died_ ? "it died meanwhile" : "finished";
    auto how = hurried_by_.empty() ? "cut at the deadline" : "cut short by " + hurried_by_;
    if (phase_ == Phase::killed) how += " and killed";
    return how;
}

// FPM counts a request when it is accepted, so what was in flight at the first look adds to it.
std::optional<std::int64_t> Drain::finished() const {
    if (!served_ || !served_at_first_ || *served_ < *served_at_first_) return {};
    return static_cast<std::int64_t>(*served_ - *served_at_first_) + busy_at_first_ - cut_;
}

std::string Drain::what_each_phase_took() const {
    if (!closed_at_) return {};
    std::string text;
    if (occasion_ == Occasion::stop) {
        text = "; " + std::string(in_words(*closing_)) + " after " + in_words(*closed_at_ - since_);
    }
    if (emptied_at_) text += ", queue empty after " + in_words(*emptied_at_ - *closed_at_);
    if (emptied_at_ && asked_at_ && !stop_.finishes_itself) {
        text += ", in flight done after " + in_words(*asked_at_ - *emptied_at_);
    }
    if (asked_at_ && ended_at_) {
        text += ", " + name_ + (stop_.finishes_itself ? " had finished and was" : "") +
                " gone after " + in_words(*ended_at_ - *asked_at_);
    }
    return text;
}

Message Drain::account(const std::string& begin, std::string_view event, TimePoint now) const {
    const auto took = now - since_;
    const auto how = how_it_ended();
    Message line{cut_ > 0 || lost_in_queue_ > 0 ? Level::warning : Level::info,
                 begin + in_words(took) + ": " + how,
                 {{"event", event}, {"took_ms", count_ms(took)}, {"how", how}}};
    const auto add = [&](std::string_view key, std::int64_t count, const std::string& words) {
        line.text += ", " + words;
        line.fields.emplace_back(key, count);
    };
    if (const auto count = finished())
        add("finished", *count, std::to_string(*count) + " finished");
    if (fpm_) add("cut", cut_, count_of(cut_, "request") + " cut");
    if (!fpm_ && cut_ > 0) add("cut", cut_, "about " + count_of(cut_, "connection") + " cut");
    if (lost_in_queue_ > 0) {
        add("lost", lost_in_queue_, count_of(lost_in_queue_, "connection") + " lost in the queue");
    }
    if (occasion_ == Occasion::stop && resets_at_first_ && last_->resets) {
        const auto count = static_cast<std::int64_t>(*last_->resets - *resets_at_first_);
        add("refused", count, "about " + std::to_string(count) + " refused");
    }
    if (const int released = keep_alive_.count_released(); released > 0) {
        add("released", released, count_of(released, "idle connection") + " let go");
    }
    if (const int in_vain = keep_alive_.released_with_request(); in_vain > 0) {
        add("released_with_request", in_vain,
            std::to_string(in_vain) + " of them with a request that nobody had begun to read");
    }
    line.text += what_each_phase_took();
    if (closed_at_) {
        line.fields.emplace_back("closed_ms", count_ms(*closed_at_ - since_));
        if (emptied_at_) line.fields.emplace_back("queue_ms", count_ms(*emptied_at_ - *closed_at_));
    }
    return line;
}

Message Drain::account(const std::string& end, int exit_code, TimePoint now) const {
    auto line = account("stopped in ", "stopped", now);
    if (!end.empty()) line.text += "; " + name_ + " " + end;
    line.text += "; sluice exits with " + std::to_string(exit_code);
    line.fields.emplace_back("exit_code", exit_code);
    return line;
}

Message Drain::account(int generation, TimePoint now) const {
    auto line =
        account("generation " + std::to_string(generation) + " retired in ", "retired", now);
    line.fields.emplace_back("generation", generation);
    return line;
}

} // namespace sluice::core
