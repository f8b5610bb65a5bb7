#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice::fleet {

/// What a stop cost, by sluice's last line in the container's log.
struct Closing {
    std::int64_t cut = 0;  // requests or connections that the deadline ended
    std::int64_t lost = 0; // connections lost in the queue

    bool operator==(const Closing&) const = default;
};

/// Finds the last such line, of either format (log.format). Nothing where there is none: it was
/// killed, it is no service that drains, or nothing could be read.
std::optional<Closing> find_closing(std::string_view log);

} // namespace sluice::fleet
