#include "fleet/engine/frames.h"

#include <algorithm>

namespace sluice::fleet {

bool Frames::take(std::string_view bytes, const OnBytes& on_bytes) {
    while (sound_ && !bytes.empty()) {
        if (left_ > 0) {
            const auto piece = bytes.substr(0, left_);
            left_ -= piece.size();
            bytes.remove_prefix(piece.size());
            on_bytes(channel_, piece);
            continue;
        }
        header_.at(header_size_++) = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        if (header_size_ == header_length) sound_ = read_header();
    }
    return sound_;
}

bool Frames::read_header() {
    header_size_ = 0;
    if (header_[0] > static_cast<unsigned char>(Channel::engine)) return false;
    if (std::any_of(header_.begin() + 1, header_.begin() + 4, [](auto byte) { return byte != 0; }))
        return false;
    channel_ = static_cast<Channel>(header_[0]);
    left_ = 0;
    for (std::size_t at = 4; at < header_length; ++at) left_ = left_ << 8U | header_.at(at);
    return true;
}

} // namespace sluice::fleet
