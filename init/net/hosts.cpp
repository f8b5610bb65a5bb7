#include "init/net/hosts.h"

#include <arpa/inet.h>

#include <algorithm>

#include "init/core/lines.h"

namespace sluice::net {

namespace {

// "127.0.0.1 localhost alias # comment"
std::vector<std::string_view> words_of(std::string_view line) {
    constexpr std::string_view blanks = " \t\r";
    line = line.substr(0, line.find('#'));
    std::vector<std::string_view> words;
    for (;;) {
        line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
        if (line.empty()) return words;
        words.push_back(line.substr(0, line.find_first_of(blanks)));
        line.remove_prefix(words.back().size());
    }
}

bool same_name(std::string_view a, std::string_view b) {
    const auto lower = [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    };
    return std::ranges::equal(a, b, {}, lower, lower);
}

} // namespace

std::optional<TcpEndpoint> address_of(const std::string& text) {
    TcpEndpoint endpoint;
    for (const int family : {AF_INET, AF_INET6}) {
        endpoint.family = family;
        if (inet_pton(family, text.c_str(), endpoint.host.data()) == 1) return endpoint;
    }
    return {};
}

std::vector<TcpEndpoint> addresses_in_hosts(std::string_view name, std::string_view hosts) {
    std::vector<TcpEndpoint> addresses;
    while (!hosts.empty()) {
        const auto words = words_of(core::take_line(hosts));
        const auto named = [&](std::string_view word) { return same_name(word, name); };
        if (words.size() < 2 || std::none_of(words.begin() + 1, words.end(), named)) continue;
        const auto address = address_of(std::string(words.front()));
        if (address && std::ranges::find(addresses, *address) == addresses.end()) {
            addresses.push_back(*address);
        }
    }
    return addresses;
}

} // namespace sluice::net
