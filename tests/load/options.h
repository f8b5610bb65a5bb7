#pragma once

#include "tests/load/address.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace load {

using Clock = std::chrono::steady_clock;
using Millis = std::chrono::milliseconds;

/// Which of the two generators this is.
enum class Protocol { http, fastcgi };

/// One kind of request that is sent; the kinds take turns.
struct Target {
    bool post = false;
    std::string path;
};

struct Options {
    Protocol protocol = Protocol::http;
    Address address;
    std::vector<Target> targets;
    std::size_t body_bytes = 1024;
    std::string root;        // FastCGI: the folder of the scripts
    unsigned keep_alive = 1; // FastCGI: requests on one connection

    // One of the two: so many requests a second whatever the answers do, or so many clients that
    // each wait for their answer.
    double rate = 0;
    unsigned clients = 0;

    std::optional<Millis> duration;
    std::optional<std::uint64_t> requests;
    Millis wait{15'000};
    Millis rest{5}; // of a client (not with a rate) whose request was not answered
    std::optional<Millis> cut_after;
    std::optional<Millis> stall_after;
    std::string csv; // a file for each request's own record; empty: none
    bool json = false;
};

/// Reads the command line. Ends the program by itself: with 0 after --help, with 2 and a reason on
/// stderr for anything that it cannot use.
Options parse_options(int argc, char** argv, Protocol protocol);

} // namespace load
