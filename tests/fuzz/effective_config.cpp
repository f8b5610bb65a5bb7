#include <string>

#include "init/fpm/effective_config.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::string with_lines_twice(std::string_view text) {
    std::string twice;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        twice.append(line).append("\n").append(line).append("\n");
        text.remove_prefix(line.size() < text.size() ? line.size() + 1 : text.size());
    }
    return twice;
}

} // namespace

void fuzz(std::string_view bytes) {
    using sluice::fpm::parse_effective_config;
    const auto config = parse_effective_config(std::string(bytes));
    if (config) expect(!config->pools.empty());
    expect(parse_effective_config(with_lines_twice(bytes)) == config);
}
