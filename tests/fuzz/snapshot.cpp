#include "init/fpm/snapshot.h"

#include <string>
#include <variant>

#include "tests/fuzz/fuzz.h"

namespace {

using namespace sluice::fpm;

// How many files are read at most is what bounds the time.
struct Count {
    std::size_t files = 0;
};

} // namespace

// The first file up to a form feed; each further one is the file of all includes, by turns, and the
// last one has a neighbour, a folder and nothing beside it.
void fuzz(std::string_view bytes) {
    const auto first = bytes.substr(0, bytes.find('\f'));
    const std::string second(bytes.substr(std::min(first.size() + 1, bytes.size())));
    Count count;
    const Files files{
        .read = [&](const std::string& path) -> std::optional<std::string> {
            ++count.files;
            return path == "/first" ? std::string(first) : second;
        },
        .match = [](const std::string& pattern) -> std::optional<std::vector<std::string>> {
            expect(pattern.starts_with('/'));
            if (pattern.size() % 7 == 0) return std::nullopt;
            if (pattern.size() % 5 == 0) return std::vector<std::string>{};
            return std::vector<std::string>{"/a", "/folder/", "/b"};
        },
        .prefix = "/usr"};
    const auto taken = take_snapshot("/first", files);
    expect(count.files <= most_files);
    const auto* const snapshot = std::get_if<Snapshot>(&taken);
    if (snapshot == nullptr) {
        expect(!std::get<std::string>(taken).empty());
        return;
    }
    expect(snapshot->text.size() <= most_snapshot);
    expect(snapshot->text.empty() || snapshot->text.ends_with('\n'));
    // Nothing in it includes any more.
    const Files none{.read = [&](const std::string&) { return snapshot->text; },
                     .match = [](const std::string&) -> std::optional<std::vector<std::string>> {
                         std::abort();
                     },
                     .prefix = {}};
    const auto again = take_snapshot("/snapshot", none);
    expect(std::holds_alternative<Snapshot>(again));
    expect(std::get<Snapshot>(again).text == snapshot->text);
    prefix_in(std::string(bytes));
}
