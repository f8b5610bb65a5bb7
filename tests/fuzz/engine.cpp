#include <algorithm>
#include <string>

#include "fleet/choice.h"
#include "fleet/closing.h"
#include "fleet/engine/answers.h"
#include "fleet/engine/frames.h"
#include "fleet/engine/line_splitter.h"
#include "fleet/engine/log_time.h"
#include "fleet/reload_steps.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace sluice::fleet;

bool is_id(const std::string& id) {
    return !id.empty() && id.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// The same in one piece and byte by byte.
void frames(std::string_view bytes) {
    std::string whole;
    std::string pieces;
    Frames at_once;
    Frames slowly;
    const bool sound = at_once.take(bytes, [&](Channel, std::string_view text) { whole += text; });
    bool still_sound = true;
    for (const char byte : bytes) {
        still_sound =
            slowly.take({&byte, 1}, [&](Channel, std::string_view text) { pieces += text; });
    }
    expect(sound == still_sound || bytes.empty());
    expect(whole == pieces);
    expect(at_once.whole() == slowly.whole());
    expect(whole.size() <= bytes.size());
}

void lines(std::string_view bytes) {
    LineSplitter splitter(16);
    ReloadSteps steps;
    for (const auto& line : splitter.take(bytes)) {
        expect(line.size() <= 19 && line.find('\n') == std::string::npos);
        steps.out(line);
    }
    steps.err(bytes);
    expect(std::ranges::none_of(steps.outcome() + steps.step(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7F;
    }));
}

void json(std::string_view bytes) {
    if (const auto list = parse_list(bytes)) {
        expect(std::ranges::all_of(*list, [](const auto& one) { return is_id(one.id); }));
    }
    if (const auto container = parse_container(bytes)) {
        expect(is_id(container->id) && !container->name.empty());
        expect(!programs(*container).empty());
    }
    if (const auto processes = parse_top(bytes)) {
        expect(std::ranges::all_of(*processes, [](const auto& one) { return one.pid > 0; }));
    }
    if (const auto id = parse_exec_id(bytes)) expect(is_id(*id));
    parse_exec(bytes);
    error_message(bytes);
}

} // namespace

// What sluice-fleet reads of the Engine's and of the containers'.
void fuzz(std::string_view bytes) {
    frames(bytes);
    lines(bytes);
    json(bytes);
    if (const auto closing = find_closing(bytes)) {
        expect(closing->cut >= 0 && closing->lost >= 0);
    }
    // It goes into a request's path.
    const auto time = log_time(bytes, std::chrono::seconds(-3));
    expect(time.find_first_not_of("-.0123456789") == std::string::npos);
}
