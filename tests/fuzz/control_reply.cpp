#include "init/control/reply.h"

#include <algorithm>

#include "init/control/report_json.h"
#include "init/control/report_text.h"
#include "tests/fuzz/fuzz.h"

// What the client reads. A reply that was understood is written and understood again, and a report
// shows no control character.
void fuzz(std::string_view bytes) {
    using namespace sluice::control;
    const auto reply = parse_reply(bytes);
    if (!reply) return;
    const auto again = parse_reply(encode_reply(*reply));
    expect(again == reply);
    const auto* const status = std::get_if<Status>(&*reply);
    const auto report = status != nullptr ? parse_report(status->json) : std::nullopt;
    if (!report) return;
    expect(parse_report(encode_report(*report)).has_value());
    expect(std::ranges::none_of(report_text(*report), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\n') || byte == 0x7F;
    }));
}
