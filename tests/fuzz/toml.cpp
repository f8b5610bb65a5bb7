#include <string>

#include "config/load.h"
#include "tests/fuzz/fuzz.h"

// Whatever the file holds, problems are one line each, and name the file.
void fuzz(std::string_view bytes) {
    using namespace sluice::config;
    const auto loaded = load(File{"c", std::string(bytes)}, {});
    for (const auto& problem : loaded.problems) {
        expect(to_text(problem).find('\n') == std::string::npos);
        expect(problem.where.starts_with("c"));
    }
}
