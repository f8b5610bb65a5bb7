#include "fleet/display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "fleet/show/account.h"

namespace sluice::fleet {

namespace {

void put(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

Window window_of_stdout() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
        return {};
    }
    return {.columns = size.ws_col, .lines = size.ws_row};
}

std::string back_over(std::size_t lines) {
    return lines == 0 ? "\r" : "\r\x1b[" + std::to_string(lines) + "A";
}

} // namespace

Display::Form Display::form_of_stdout(bool json) {
    if (json) return Form::json;
    const char* const terminal = std::getenv("TERM");
    const std::string kind = terminal != nullptr ? terminal : "dumb";
    return ::isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb" ? Form::terminal
                                                                           : Form::plain;
}

void Display::step(const Board::Row& row) const {
    if (form_ == Form::plain) put(step_line(row) + "\n");
    if (form_ == Form::json) put(step_json(row) + "\n");
}

void Display::ended(const Board& board, const Board::Row& row) const {
    if (form_ == Form::plain) put(end_line(board, row) + "\n");
    if (form_ == Form::json) put(end_json(board, row) + "\n");
}

void Display::say(const std::string& sentence) const {
    if (form_ == Form::terminal) return;
    std::fputs((sentence + "\n").c_str(), stderr);
}

void Display::tick(const Board& board) {
    if (form_ != Form::terminal) return;
    const auto window = window_of_stdout();
    std::string text;
    if (drawn_ > 0 && window != window_) {
        // Nobody knows where a terminal puts lines when it becomes narrower: begin anew at its top.
        text = "\x1b[2J\x1b[H";
    } else {
        text = back_over(drawn_);
    }
    window_ = window;
    const auto lines = frame(board, window);
    for (const auto& line : lines) text += line + "\x1b[K\n";
    put(text + "\x1b[J");
    drawn_ = lines.size();
}

void Display::finish(const Board& board) {
    switch (form_) {
    case Form::terminal:
        put((drawn_ > 0 ? back_over(drawn_) + "\x1b[J" : "") + account_text(board));
        break;
    case Form::plain: put(account_text(board)); break;
    case Form::json: put(account_json(board) + "\n"); break;
    }
    drawn_ = 0;
}

} // namespace sluice::fleet
