#pragma once

#include "tests/load/options.h"

#include <string>

namespace load {

/// One request, ready to be sent, and what the body of its answer must begin with.
struct Request {
    bool post = false;
    std::size_t target = 0; // which of Options::targets
    std::string bytes;
    std::string expected;
};

/// A request for a target of these options, by its number. The token makes the answer provably the
/// one to this request. Pure.
Request make_request(const Options& options, std::size_t target, const std::string& token);

} // namespace load
