#pragma once

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace sluice {

/// True if a test asks for this fault by SLUICE_FAULT: one that it could not bring about from
/// outside. Compiled only into `dev` and `asan`; elsewhere there are none.
inline bool fault_asked_for([[maybe_unused]] std::string_view name) {
#ifdef SLUICE_FAULT_POINTS
    const char* const wanted = std::getenv("SLUICE_FAULT");
    return wanted != nullptr && wanted == name;
#else
    return false;
#endif
}

/// A place where sluice throws if a test asks for it.
inline void fault_point(std::string_view name) {
    if (fault_asked_for(name)) throw std::runtime_error("fault point " + std::string(name));
}

} // namespace sluice
