#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace sluice::fleet {

/// What became of one container's turn.
struct Outcome {
    enum class Kind : std::uint8_t { done, rolled_back, failed };

    Kind kind = Kind::done;
    std::string text;                // a sentence on one line, without control characters
    std::optional<std::int64_t> cut; // requests that it cost; nothing: not known

    bool operator==(const Outcome&) const = default;
};

/// The step that a container is at now, in a word.
using OnStep = std::function<void(const std::string&)>;

/// Called once, last.
using OnOutcome = std::function<void(Outcome)>;

} // namespace sluice::fleet
