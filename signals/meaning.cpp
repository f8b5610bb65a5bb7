#include "signals/meaning.h"

#include <algorithm>

namespace sluice::signals {

Rule meaning_of(int signal, const Rules& rules) {
    const auto found = rules.find(signal);
    return found == rules.end() ? Rule{} : found->second;
}

void sort_by_importance(std::vector<Received>& batch, const Rules& rules) {
    // Meaning's enumerators stand in the order of importance.
    std::ranges::stable_sort(batch, {}, [&](const Received& received) {
        return std::min(meaning_of(received.signal, rules).meaning, Meaning::forward);
    });
}

} // namespace sluice::signals
