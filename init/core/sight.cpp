#include "init/core/sight.h"

#include <algorithm>
#include <iterator>

#include "init/core/words.h"

namespace sluice::core {

std::string describe(const Worker& worker) {
    return "pool " + worker.pool + ", worker pid " + std::to_string(worker.pid) + ", script " +
           (worker.script.empty() ? "not yet known" : worker.script) + ", " + in_words(worker.age);
}

std::vector<Worker> busy_of(const Sight& sight) {
    std::vector<Worker> busy;
    if (!sight.workers) return busy;
    std::ranges::copy_if(*sight.workers, std::back_inserter(busy),
                         [](const Worker& worker) { return worker.state == Worker::State::busy; });
    return busy;
}

} // namespace sluice::core
