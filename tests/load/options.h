#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace load {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

/// One kind of request that is sent; the kinds take turns.
struct Target {
    bool post = false;
    std::string path;
};

struct Options {
    std::uint16_t port = 0;
    std::vector<Target> targets;
    std::size_t body_bytes = 1024;

    // One of the two: so many requests a second whatever the answers do, or so many clients that
    // each wait for their answer.
    double rate = 0;
    unsigned clients = 0;

    std::optional<Millis> duration;
    std::optional<std::uint64_t> requests;
    Millis wait{15'000};
    std::optional<Millis> cut_after;
    bool json = false;
};

/// Reads the command line. Ends the program by itself: with 0 after --help, with 2 and a reason on
/// stderr for anything that it cannot use.
Options parse_options(int argc, char** argv);

} // namespace load
