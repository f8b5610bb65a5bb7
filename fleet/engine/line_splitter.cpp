#include "fleet/engine/line_splitter.h"

#include <utility>

namespace sluice::fleet {

std::vector<std::string> LineSplitter::take(std::string_view bytes) {
    std::vector<std::string> lines;
    for (;;) {
        const auto end = bytes.find('\n');
        add(bytes.substr(0, end));
        if (end == std::string_view::npos) return lines;
        lines.push_back(rest());
        bytes.remove_prefix(end + 1);
    }
}

std::string LineSplitter::rest() {
    if (std::exchange(cut_, false)) {
        line_ += "...";
    } else if (line_.ends_with('\r')) {
        line_.pop_back();
    }
    return std::exchange(line_, {});
}

void LineSplitter::add(std::string_view piece) {
    const auto room = longest_ - line_.size();
    if (piece.size() > room) cut_ = true;
    line_ += piece.substr(0, room);
}

} // namespace sluice::fleet
