#include <string>
#include <vector>

#include "config/load.h"
#include "config/print.h"
#include "tests/fuzz/fuzz.h"

// Variables end with a newline here; half of them are made to be sluice's.
void fuzz(std::string_view bytes) {
    using namespace sluice::config;
    std::vector<std::string> environment;
    while (!bytes.empty()) {
        const auto line = bytes.substr(0, bytes.find('\n'));
        environment.emplace_back(line);
        environment.push_back("SLUICE_" + std::string(line));
        bytes.remove_prefix(line.size() < bytes.size() ? line.size() + 1 : bytes.size());
    }
    const auto loaded = load(std::nullopt, environment);
    for (const auto& problem : loaded.problems)
        expect(to_text(problem).find('\n') == std::string::npos);
    if (!any_error(loaded.problems))
        expect(!any_error(load(File{"c", print(loaded)}, {}).problems));
    expect(without_own(environment).size() <= environment.size());
}
