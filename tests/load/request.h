#pragma once

#include "tests/load/options.h"

#include <string>

namespace load {

/// One request, ready to be sent, and what the body of its answer must begin with.
struct Request {
    bool post = false;
    std::string bytes;
    std::string expected;
};

/// The token makes the answer provably the one to this request. Pure.
Request make_request(const Options& options, const Target& target, const std::string& token);

} // namespace load
