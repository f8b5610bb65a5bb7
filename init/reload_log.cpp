#include "init/reload_log.h"

#include <algorithm>
#include <utility>

namespace sluice {

namespace {

using Outcome = core::Report::Reload::Outcome;
using std::chrono::milliseconds;

std::string text_in(const core::Message& message, std::string_view key) {
    for (const auto& field : message.fields) {
        const auto* const text = std::get_if<std::string>(&field.value);
        if (field.key == key && text != nullptr) return *text;
    }
    return {};
}

std::optional<milliseconds> time_in(const core::Message& message, std::string_view key) {
    for (const auto& field : message.fields) {
        const auto* const number = std::get_if<std::int64_t>(&field.value);
        if (field.key == key && number != nullptr) return milliseconds(*number);
    }
    return {};
}

// What stands behind "reload: ", which whoever asked for one knows.
std::string news_of(const core::Message& message) {
    constexpr std::string_view topic = "reload: ";
    return message.text.substr(message.text.starts_with(topic) ? topic.size() : 0);
}

template <class Sessions>
void move_all(Sessions& from, Sessions& to) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
}

} // namespace

bool ReloadLog::ask(const std::shared_ptr<control::Session>& session) {
    std::size_t waiting = 0;
    for (auto* const sessions : {&asking_, &waiting_, &following_}) {
        std::erase_if(*sessions, [](const auto& one) { return one->closed(); });
        waiting += sessions->size();
    }
    if (waiting >= most_waiting) return false;
    session->step_aside();
    asking_.push_back(session);
    return true;
}

void ReloadLog::hear(const core::Message& message, core::TimePoint now) {
    const auto event = text_in(message, "event");
    if (event == "reload") {
        begin(message, now);
    } else if (event == "reload_merged") {
        move_all(asking_, waiting_);
    } else if (event == "reload_waits") {
        tell(asking_, {.step = "waiting", .text = news_of(message)});
        move_all(asking_, following_);
        another_waits_ = true;
    } else if (event == "reload_step") {
        step(message);
    } else if (event == "reloaded") {
        end(Outcome::done, message, now);
    } else if (event == "reload_rolled_back") {
        end(Outcome::rolled_back, message, now);
    } else if (event == "reload_abandoned") {
        // If it is done again, those who wait for it go on waiting.
        if (another_waits_) move_all(waiting_, following_);
        end(Outcome::rolled_back, message, now);
    } else if (event == "reload_by_signal") {
        move_all(asking_, waiting_);
        move_all(following_, waiting_);
        another_waits_ = false;
        if (last_ && last_->outcome == Outcome::running) {
            end(Outcome::done, message, now);
        } else {
            answer(std::exchange(waiting_, {}), true, message.text);
        }
    } else if (event == "reload_refused") {
        answer(std::exchange(asking_, {}), false, message.text);
    } else if (event == "drain") {
        another_waits_ = false;
        answer(std::exchange(following_, {}), false, "reload: sluice is stopping");
    }
}

void ReloadLog::begin(const core::Message& message, core::TimePoint now) {
    last_ = core::Report::Reload{.asked_by = text_in(message, "by")};
    begun_ = now;
    another_waits_ = false;
    move_all(asking_, waiting_);
    move_all(following_, waiting_);
    if (time_in(message, "splay_ms") > milliseconds(0)) begins("delayed", news_of(message));
}

void ReloadLog::begins(const std::string& step, const std::string& text) {
    if (last_) last_->step = step;
    tell(waiting_, {.step = step, .text = text});
}

void ReloadLog::step(const core::Message& message) {
    if (!last_) return;
    const core::Report::Step done{text_in(message, "step"),
                                  time_in(message, "took_ms").value_or(milliseconds(0))};
    last_->steps.push_back(done);
    tell(waiting_, {.step = done.name,
                    .state = control::Progress::State::done,
                    .took = done.took,
                    .text = text_in(message, "result")});
}

void ReloadLog::end(Outcome outcome, const core::Message& message, core::TimePoint now) {
    if (last_) {
        last_->outcome = outcome;
        last_->step.clear();
        last_->took = time_in(message, "took_ms")
                          .value_or(std::chrono::duration_cast<milliseconds>(now - begun_));
        if (outcome == Outcome::rolled_back) last_->reason = text_in(message, "reason");
    }
    answer(std::exchange(waiting_, {}), outcome == Outcome::done, message.text);
}

void ReloadLog::keep_stderr(std::vector<std::string> lines) {
    if (last_) last_->stderr_lines = std::move(lines);
}

std::optional<core::Report::Reload> ReloadLog::last(core::TimePoint now) const {
    auto report = last_;
    if (!report) return report;
    report->ago = std::chrono::duration_cast<milliseconds>(now - begun_);
    if (report->outcome == Outcome::running) report->took = report->ago;
    return report;
}

void ReloadLog::tell(Sessions& sessions, const control::Progress& progress) {
    for (const auto& session : sessions) session->line(encode_reply(progress));
    std::erase_if(sessions, [](const auto& session) { return session->closed(); });
}

void ReloadLog::answer(const Sessions& sessions, bool ok, const std::string& text) {
    for (const auto& session : sessions) {
        session->line(encode_reply(control::Done{.ok = ok, .text = text}));
        session->end();
    }
}

} // namespace sluice
