#include "init/core/room.h"
#include "tests/fuzz/fuzz.h"

// Two texts, with a line "--" between them.
void fuzz(std::string_view bytes) {
    using namespace sluice::core;
    constexpr std::string_view separator = "\n--\n";
    const auto at = bytes.find(separator);
    const auto first = bytes.substr(0, at);
    const auto second = at == bytes.npos ? bytes : bytes.substr(at + separator.size());

    if (const auto place = cgroup_place(first, second)) {
        expect(place->top.starts_with('/'));
        expect(place->folder.starts_with(place->top));
        expect(place->folder.substr(place->top.size()).find("/..") == std::string::npos);
    }
    const auto level = memory_level(first, first, second);
    if (level.limit) expect(tightest({level, level}) == level);
    std::vector<ProcessMemory> processes;
    for (const auto text : {first, second}) {
        if (const auto process = process_memory(text)) processes.push_back(*process);
    }
    const auto needed = memory_of_generation(processes);
    for (const auto& process : processes) expect(needed >= process.shared);
    expect(!room({}, level.used, needed));
}
