#include "config/keys.h"
#include "config/quote.h"
#include "config/values.h"

// What the messages and the reference page say of a key.

namespace sluice::config {

namespace {

using namespace std::string_view_literals;

// `"no", "on-failure" or "always"`
std::string alternatives(std::span<const std::string_view> choices) {
    std::string text;
    for (std::size_t at = 0; at < choices.size(); ++at) {
        if (at > 0) text += at + 1 == choices.size() ? " or " : ", ";
        text += '"' + std::string(choices[at]) + '"';
    }
    return text;
}

std::string ends(Range range) {
    return " from " + std::to_string(range.first) + " to " + std::to_string(range.last);
}

constexpr auto rules = R"("drain", "reload", "forward", "forward NAME" or "ignore")"sv;

} // namespace

std::string allowed(const Key& key) {
    switch (key.type) {
    case Type::duration: return R"(a duration up to "24h", such as "8s", "250ms", "2m")";
    case Type::time_limit: return R"(a duration from "1ms" to "24h", such as "8s", "250ms", "2m")";
    case Type::backoff: return R"(the first pause and the longest, such as "100ms..5s")";
    case Type::limit: return R"(1 to 1000 restarts and a time, such as "5 in 60s")";
    case Type::choice: return alternatives(key.choices);
    case Type::signal: return R"(a signal's name or number, such as "QUIT" or "RTMIN+3")";
    case Type::number: return "a whole number" + ends(key.range);
    case Type::path: return "an absolute path";
    case Type::socket: return R"(an absolute path, "@" or "off")";
    case Type::name: return "a string that is not empty";
    case Type::uri: return R"(a path, such as "/health?full=1")";
    case Type::method: return R"(a method, such as "GET", "POST")";
    case Type::text: return "a string";
    case Type::string_list: return "an array of strings, such as " + std::string(key.example);
    case Type::path_list: return "an array of absolute paths";
    case Type::headers: return R"(a table of strings, such as { Host = "example.org" })";
    case Type::signal_rules: return std::string(rules);
    }
    return {};
}

std::string refusal(const Key& key) {
    switch (key.type) {
    case Type::duration:
        return R"(is not a duration; write one as "8s", "250ms", "2m", up to "24h")";
    case Type::time_limit:
        return R"(is not a time limit; write one as "8s", "250ms", "2m", from "1ms" to "24h")";
    case Type::backoff:
        return R"(is not a back-off; write the first pause (1ms or more) and the longest, as in )"
               R"("100ms..5s")";
    case Type::limit:
        return R"(is not a limit; write 1 to 1000 restarts and a time of 1s or more, as in )"
               R"("5 in 60s")";
    case Type::choice: return "is not allowed; write " + alternatives(key.choices);
    case Type::signal:
        return R"(is not a signal; write a name or a number, as in "QUIT", "RTMIN+3", "15")";
    case Type::number:
        return "is not allowed; write a whole number" + ends(key.range) + ", without quotes";
    case Type::path: return R"(is not an absolute path; write one that begins with "/")";
    case Type::socket:
        return "is not allowed; write an absolute path of at most " +
               std::to_string(longest_socket_path) +
               R"( bytes, "@" for an abstract socket, or "off" for none)";
    case Type::name: return "is not allowed; write one line of text that is not empty, in quotes";
    case Type::uri:
        return R"(is not a URI; write one that begins with "/" and has no blanks, as in )"
               R"("/health?full=1")";
    case Type::method: return R"(is not a method; write one of letters only, as in "GET", "POST")";
    case Type::text: return "is not a string; put it into quotes";
    case Type::string_list:
        return "is not an array of strings; write one as " + std::string(key.example);
    case Type::path_list:
        return R"(is not an array of absolute paths; write one as ["/srv/app/current"])";
    case Type::headers:
        return R"(is not a table of strings; write one as { Host = "example.org" })";
    case Type::signal_rules: return "is not allowed; write " + std::string(rules);
    }
    return {};
}

std::string default_as_toml(const Key& key) {
    const auto text = key.usual.php_fpm;
    return key.type == Type::number ? std::string(text) : toml_string(text);
}

bool same_for_all_kinds(const Default& usual) {
    return usual.php_fpm == usual.nginx && usual.nginx == usual.plain;
}

std::string default_in_words(const Key& key) {
    std::string php_fpm(key.usual.php_fpm);
    if (same_for_all_kinds(key.usual)) return php_fpm;
    if (key.type == Type::signal_rules)
        return "php-fpm: " + php_fpm + "; nginx: " + std::string(key.usual.nginx) +
               "; plain: " + std::string(key.usual.plain);
    return php_fpm + " for php-fpm and nginx, " + std::string(key.usual.plain) + " for plain";
}

} // namespace sluice::config
