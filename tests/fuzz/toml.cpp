#include <string>

#include "config/load.h"
#include "config/print.h"
#include "tests/fuzz/fuzz.h"

namespace {

using sluice::config::Warmup;

// All but the values of headers and the body, which are not printed.
void expect_same(Warmup before, Warmup after) {
    expect(before.headers.size() == after.headers.size());
    expect(before.body.empty() == after.body.empty());
    for (std::size_t at = 0; at < before.headers.size(); ++at)
        expect(before.headers[at].first == after.headers[at].first);
    before.headers = after.headers;
    before.body = after.body;
    expect(before == after);
}

} // namespace

// Whatever the file holds, problems are one line each, and name the file; what is right is printed
// as a file that is right, too, and says the same.
void fuzz(std::string_view bytes) {
    using namespace sluice::config;
    const auto loaded = load(File{"c", std::string(bytes)}, {});
    for (const auto& problem : loaded.problems) {
        expect(to_text(problem).find('\n') == std::string::npos);
        expect(problem.where.starts_with("c"));
    }
    if (any_error(loaded.problems)) return;
    const auto again = load(File{"c", print(loaded)}, {});
    expect(!any_error(again.problems));
    const auto& before = loaded.settings.reload;
    const auto& after = again.settings.reload;
    expect(after.checks == before.checks && after.watch == before.watch);
    expect(after.warmups.size() == before.warmups.size());
    for (std::size_t at = 0; at < after.warmups.size(); ++at)
        expect_same(before.warmups[at], after.warmups[at]);
}
