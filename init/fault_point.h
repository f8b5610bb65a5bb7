#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice {

/// A place where a test can have sluice fail as no test could bring about from outside: throws if
/// the environment's SLUICE_FAULT names it. Compiled only into `dev` and `asan`.
inline void fault_point([[maybe_unused]] std::string_view name) {
#ifdef SLUICE_FAULT_POINTS
    const char* const wanted = std::getenv("SLUICE_FAULT");
    if (wanted != nullptr && wanted == name) {
        throw std::runtime_error("fault point " + std::string(name));
    }
#endif
}

} // namespace sluice
