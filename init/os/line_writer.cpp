#include "init/os/line_writer.h"

#include <cerrno>
#include <climits>
#include <utility>

namespace sluice::os {

namespace {

constexpr std::size_t most_kept_bytes = std::size_t{64} * 1'024;

void cut_to_pipe_buf(std::string& line) {
    if (line.size() <= PIPE_BUF) return;
    line.resize(PIPE_BUF - 4);
    line += "...\n";
}

} // namespace

void LineWriter::write(std::string line) {
    cut_to_pipe_buf(line);
    flush();
    const auto result = kept_.empty() ? try_write(line) : Result::later;
    if (result == Result::done) return;
    if (result == Result::later && kept_bytes_ + line.size() <= most_kept_bytes) {
        kept_bytes_ += line.size();
        kept_.push_back(std::move(line));
    } else {
        ++dropped_;
    }
}

void LineWriter::flush() {
    while (!kept_.empty()) {
        const auto result = try_write(kept_.front());
        if (result == Result::later) return;
        if (result == Result::never) ++dropped_;
        kept_bytes_ -= kept_.front().size();
        kept_.pop_front();
    }
}

LineWriter::Result LineWriter::try_write(std::string_view line) {
    // A part, on a terminal or a full disk: the rest is lost.
    if (output_.write(line) >= 0) return Result::done;
    return errno == EAGAIN ? Result::later : Result::never;
}

} // namespace sluice::os
