#include "init/control/request.h"

#include <algorithm>
#include <array>

#include "config/quote.h"

namespace sluice::control {

namespace {

constexpr std::string_view protocol = "sluice/1";

struct Words {
    Request request;
    std::string_view text;
};

constexpr std::array all_words{
    Words{Request::reload, "reload"},     Words{Request::reload_wait, "reload wait"},
    Words{Request::status, "status"},     Words{Request::stop, "stop"},
    Words{Request::stop_now, "stop now"}, Words{Request::health, "health"},
};

std::string list_of_words() {
    std::string list;
    for (const auto& words : all_words) {
        list += (list.empty() ? "\"" : ", \"") + std::string(words.text) + "\"";
    }
    return list;
}

} // namespace

std::string_view words_of(Request request) {
    return std::ranges::find(all_words, request, &Words::request)->text;
}

std::string encode_request(Request request) {
    return std::string(protocol) + " " + std::string(words_of(request)) + "\n";
}

std::variant<Request, std::string> parse_request(std::string_view line) {
    if (line.size() >= longest_request) {
        return "a request has at most " + std::to_string(longest_request) +
               " bytes, its newline included";
    }
    const auto first = line.substr(0, line.find(' '));
    if (first != protocol) {
        return "this socket speaks " + std::string(protocol) + ", and the request begins with " +
               config::quoted(first) +
               "; ask with the sluice program of this container (docker exec ... sluice status)";
    }
    const auto rest = line.substr(std::min(first.size() + 1, line.size()));
    const auto* const found = std::ranges::find(all_words, rest, &Words::text);
    if (found == all_words.end()) {
        return "the request " + config::quoted(rest) + " is none of " + list_of_words();
    }
    return found->request;
}

} // namespace sluice::control
