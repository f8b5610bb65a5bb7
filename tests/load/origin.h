#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace load {

/// Who gave an answer, as its text tells: the words "version=", "pid=" and "file=" (see
/// tests/reloads/answer.php). What it does not tell is 0, or empty.
struct Origin {
    std::uint64_t version = 0; // of the code, from 1
    std::uint64_t pid = 0;
    std::string file; // the script's real path
};

/// Pure.
Origin origin_of(std::string_view body);

} // namespace load
