#include <algorithm>
#include <string>

#include "init/fpm/warmup_request.h"
#include "tests/fuzz/fuzz.h"

// Whatever the new generation answers, what is said of it is one short line. The first line of the
// input is an entry's URI and text, the rest is the reply.
void fuzz(std::string_view bytes) {
    using namespace sluice::fpm;
    const auto end = std::min(bytes.find('\n'), bytes.size());
    const std::string first(bytes.substr(0, end));
    const std::string rest(bytes.substr(std::min(end + 1, bytes.size())));
    const sluice::config::Warmup entry{
        .script = first, .uri = first, .headers = {{first, rest}, {"Host", rest}}, .text = first};
    for (const auto how : {Reply::End::whole, Reply::End::cut}) {
        const auto why = complaint(entry, {.end = how, .output = rest, .errors = rest});
        expect(how == Reply::End::whole || why.has_value());
        if (!why) continue;
        expect(!why->empty() && why->size() < 8'192);
        expect(std::ranges::none_of(*why, [](char c) { return c >= 0 && c < ' '; }));
    }
    expect(params_of(entry).size() >= 19);
}
