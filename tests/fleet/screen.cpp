#include "screen.h"

#include <algorithm>

namespace tests {

void Screen::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const char c = bytes.front();
        if (c == '\x1b') {
            bytes.remove_prefix(steer(bytes));
            continue;
        }
        bytes.remove_prefix(1);
        if (c == '\r') {
            column_ = 0;
        } else if (c == '\n') {
            ++row_;
            if (row_ == top_ + height_) ++top_;
            if (row_ == lines_.size()) lines_.emplace_back();
        } else if (c < ' ' || c > '~') {
            trouble_ = "wrote byte " + std::to_string(static_cast<unsigned char>(c));
        } else {
            auto& line = lines_.at(row_);
            if (line.size() <= column_) line.resize(column_ + 1, ' ');
            line[column_++] = c;
            if (column_ > width_) trouble_ = "wrapped: " + line;
        }
    }
}

std::vector<std::string> Screen::lines() const {
    auto shown = lines_;
    for (auto& line : shown) line.erase(line.find_last_not_of(' ') + 1);
    while (!shown.empty() && shown.back().empty()) shown.pop_back();
    return shown;
}

// Gives how many bytes the sequence has.
std::size_t Screen::steer(std::string_view bytes) {
    const auto end = std::min(bytes.find_first_not_of("0123456789;?", 2), bytes.size() - 1);
    const auto sequence = bytes.substr(1, end);
    if (sequence == "[K") {
        lines_.at(row_).resize(std::min(lines_.at(row_).size(), column_));
    } else if (sequence == "[J") {
        erase_below();
    } else if (sequence == "[2J" || sequence == "[H") {
        // The two come together, in this order.
        row_ = top_;
        column_ = 0;
        erase_below();
    } else if (sequence.ends_with('A')) {
        const auto up = std::stoul(std::string(sequence.substr(1)));
        if (up > row_ - top_) trouble_ = "went above the window";
        row_ -= std::min(up, row_ - top_);
    } else {
        trouble_ = "took ESC " + std::string(sequence);
    }
    return end + 1;
}

void Screen::erase_below() {
    lines_.at(row_).resize(std::min(lines_.at(row_).size(), column_));
    lines_.resize(row_ + 1);
}

} // namespace tests
