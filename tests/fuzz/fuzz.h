#pragma once

#include <cstdlib>
#include <string_view>

/// What each fuzz target defines: takes any bytes, and calls expect() for what must hold whatever
/// they are.
void fuzz(std::string_view bytes);

/// libFuzzer keeps the input that ended the program.
inline void expect(bool holds) {
    if (!holds) std::abort();
}
