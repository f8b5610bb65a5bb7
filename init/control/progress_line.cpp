#include "init/control/progress_line.h"

#include <cstdio>

#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::control {

namespace {

// Longer than any step's name; a line that wraps could not be rewritten.
constexpr std::size_t longest_shown = 40;

void put(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

} // namespace

void ProgressLine::show(const Progress& progress) {
    const auto step = os::one_line(progress.step);
    if (progress.state == Progress::State::begins) {
        if (!progress.text.empty()) put(step + ": " + os::one_line(progress.text) + "\n");
        step_ = step.substr(0, longest_shown);
        began_ = std::chrono::steady_clock::now();
        tick();
        return;
    }
    clear();
    step_.clear();
    put(step + ": " + core::in_words(progress.took) +
        (progress.text.empty() ? "" : ", " + os::one_line(progress.text)) + "\n");
}

void ProgressLine::tick() const {
    if (!ticks()) return;
    const auto passed = std::chrono::steady_clock::now() - began_;
    put("\r\x1b[K" + step_ + " ... " + core::in_words(passed));
}

void ProgressLine::clear() const {
    if (ticks()) put("\r\x1b[K");
}

} // namespace sluice::control
