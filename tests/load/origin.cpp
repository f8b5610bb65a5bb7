#include "tests/load/origin.h"

#include <charconv>

namespace load {
namespace {

/// The value of " NAME=VALUE", which ends with a blank.
std::string_view value_of(std::string_view body, std::string_view name) {
    for (auto at = body.find(name); at != std::string_view::npos; at = body.find(name, at + 1)) {
        if (at == 0 || body[at - 1] != ' ') continue;
        const std::string_view rest = body.substr(at + name.size());
        return rest.substr(0, rest.find_first_of(" \n"));
    }
    return {};
}

std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

} // namespace

Origin origin_of(std::string_view body) {
    return {number_of(value_of(body, "version=")), number_of(value_of(body, "pid=")),
            std::string(value_of(body, "file="))};
}

} // namespace load
