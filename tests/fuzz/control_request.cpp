#include "init/control/request.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

// A request is exactly what we would write for it; whatever else came, the refusal is one short
// line of plain text.
void fuzz(std::string_view bytes) {
    using namespace sluice::control;
    const auto result = parse_request(bytes);
    if (const auto* const request = std::get_if<Request>(&result)) {
        expect(encode_request(*request) == std::string(bytes) + "\n");
        expect(bytes.size() < longest_request);
        return;
    }
    const auto& why = std::get<std::string>(result);
    expect(!why.empty() && why.size() < 1'000);
    expect(std::ranges::none_of(why, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    }));
}
