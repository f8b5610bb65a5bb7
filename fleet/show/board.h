#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fleet/show/outcome.h"

namespace sluice::fleet {

/// What there is to show of a roll-out: a snapshot by value.
struct Board {
    struct Row {
        enum class State : std::uint8_t { waiting, under_way, ended };

        std::string name;
        State state = State::waiting;
        std::string step;
        std::chrono::milliseconds took{0}; // so far, while it is under way
        Outcome outcome;
    };

    std::string task; // "reload", "restart"
    std::vector<Row> rows;
    std::chrono::milliseconds elapsed{0};
    std::string notice;      // why nobody else begins; empty: they do
    bool counts_cut = false; // it can be told what a turn costs

    std::size_t count(Row::State state) const;
    std::size_t count(Outcome::Kind kind) const; // of those that have ended
};

/// "done", "ROLLED BACK", "FAILED".
std::string word_of(Outcome::Kind kind);

} // namespace sluice::fleet
