#include "init/fpm/warmup_request.h"

#include <algorithm>
#include <string_view>
#include <system_error>

#include "init/core/words.h"
#include "init/os/json_text.h"

namespace sluice::fpm {

namespace {

constexpr std::size_t most_searched = std::size_t{1} * 1'024 * 1'024;
constexpr std::size_t most_shown = std::size_t{64} * 1'024; // all headers, and some of the body

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// "Accept-Language" -> "ACCEPT_LANGUAGE".
std::string as_variable(const std::string& header) {
    std::string name;
    for (const char c : header) name += c == '-' ? '_' : upper(c);
    return name;
}

std::string header_of(const config::Warmup& entry, std::string_view variable) {
    for (const auto& [name, value] : entry.headers) {
        if (as_variable(name) == variable) return value;
    }
    return {};
}

// "example.org:8080" -> "example.org", "[::1]:80" -> "[::1]".
std::string without_port(const std::string& host) {
    const auto colon = host.rfind(':');
    const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos;
    return has_port ? host.substr(0, colon) : host;
}

struct Place {
    std::string root;
    std::string name; // with its slash
};

Place place_of(const std::string& script) {
    const auto slash = script.rfind('/');
    if (slash == std::string::npos) return {".", "/" + script};
    return {slash == 0 ? "/" : script.substr(0, slash), script.substr(slash)};
}

std::string uri_of(const config::Warmup& entry) {
    return entry.uri.empty() ? place_of(entry.script).name : entry.uri;
}

// The beginning of a text on one line, without a part of a UTF-8 character at its end.
std::string beginning(std::string_view text, std::size_t most) {
    const auto goes_on = [text](std::size_t at) {
        return (static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U;
    };
    const bool whole = text.size() <= most;
    for (std::size_t i = 0; !whole && i < 3 && goes_on(most); ++i) --most;
    return '"' + os::one_line(text.substr(0, most)) + (whole ? "\"" : "\"...");
}

std::string told(const Reply& reply) {
    constexpr std::size_t most = 600;
    return reply.errors.empty() ? "" : "; PHP says " + beginning(reply.errors, most);
}

std::string what_came(const Page& page) {
    constexpr std::size_t most = 200;
    return "status " + std::to_string(page.status) +
           (page.body.empty() ? " without a body" : " and " + beginning(page.body, most));
}

const char* word(ProtocolStatus status) {
    switch (status) {
    case ProtocolStatus::cannot_multiplex: return "FPM cannot multiplex";
    case ProtocolStatus::overloaded: return "FPM is overloaded";
    case ProtocolStatus::unknown_role: return "FPM does not know the role";
    case ProtocolStatus::request_complete: break;
    }
    return "";
}

// Nothing: there is a page.
std::optional<std::string> without_page(const Reply& reply) {
    const auto reason = std::error_code(reply.error, std::system_category()).message();
    switch (reply.end) {
    case Reply::End::not_connected: return "cannot connect to the new generation: " + reason;
    case Reply::End::no_fastcgi: return "the answer is no FastCGI: look what listens there";
    case Reply::End::cut:
        return (reply.error == 0 ? std::string("the connection was closed before the answer's end")
                                 : "the connection failed: " + reason) +
               told(reply) +
               "; a worker that died is in FPM's log, and so is one that may not come in "
               "(listen.allowed_clients)";
    case Reply::End::whole: break;
    }
    if (reply.status != ProtocolStatus::request_complete) return word(reply.status) + told(reply);
    return {};
}

std::string what_to_do(const Page& page, const Reply& reply) {
    constexpr int not_found = 404;
    if (page.status == not_found && reply.errors.find("Primary script") != std::string::npos)
        return "; correct its script: a relative one is looked for in the pool's chdir, which is "
               "the release where reload.release is set";
    return "; mend the release, or what this entry expects";
}

} // namespace

std::size_t most_of_reply(const config::Warmup& entry) {
    return entry.text.empty() ? most_shown : most_searched;
}

Params params_of(const config::Warmup& entry) {
    const auto place = place_of(entry.script);
    const auto uri = uri_of(entry);
    const auto mark = uri.find('?');
    const auto query = mark == std::string::npos ? std::string() : uri.substr(mark + 1);
    auto host = header_of(entry, "HOST");
    if (host.empty()) host = "localhost";

    Params params{{"GATEWAY_INTERFACE", "CGI/1.1"},
                  {"SERVER_SOFTWARE", "sluice"},
                  {"SERVER_PROTOCOL", "HTTP/1.1"},
                  {"REQUEST_SCHEME", "http"},
                  {"SERVER_NAME", without_port(host)},
                  {"SERVER_ADDR", "127.0.0.1"},
                  {"SERVER_PORT", "80"},
                  {"REMOTE_ADDR", "127.0.0.1"},
                  {"REDIRECT_STATUS", "200"}, // PHP wants it where cgi.force_redirect is on
                  {"REQUEST_METHOD", entry.method},
                  {"REQUEST_URI", uri},
                  {"QUERY_STRING", query},
                  {"DOCUMENT_ROOT", place.root},
                  {"DOCUMENT_URI", place.name},
                  {"SCRIPT_NAME", place.name},
                  {"SCRIPT_FILENAME", entry.script},
                  {"CONTENT_TYPE", header_of(entry, "CONTENT_TYPE")},
                  {"CONTENT_LENGTH", entry.body.empty() ? "" : std::to_string(entry.body.size())},
                  {"HTTP_HOST", host}};
    for (const auto& [header, value] : entry.headers) {
        const auto name = as_variable(header);
        const bool passed = name == "HOST" || name == "CONTENT_TYPE" || name == "CONTENT_LENGTH";
        if (!passed) params.emplace_back("HTTP_" + name, value);
    }
    return params;
}

std::optional<std::string> wrong_pool(const std::vector<config::Warmup>& entries,
                                      const std::vector<std::string>& pools) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const auto& asked = entries[i].pool;
        if (asked.empty() ? pools.size() == 1 : std::ranges::find(pools, asked) != pools.end()) {
            continue;
        }
        std::string all;
        for (const auto& pool : pools) all += (all.empty() ? "" : ", ") + pool;
        return "reload.warmup[" + std::to_string(i + 1) + "] (script " +
               os::one_line(entries[i].script) + "): " +
               (asked.empty() ? "no pool is named, and there is not just one"
                              : "there is no pool " + asked + " that sluice listens for") +
               ": set its pool to one of: " + (all.empty() ? "(none)" : all);
    }
    return {};
}

std::string name_of(const config::Warmup& entry, std::size_t number, const std::string& pool) {
    return "reload.warmup[" + std::to_string(number) + "] (pool " + pool + ", script " +
           os::one_line(entry.script) + ", " + os::one_line(entry.method) + " " +
           os::one_line(uri_of(entry)) + ")";
}

std::optional<std::string> complaint(const config::Warmup& entry, const Reply& reply) {
    if (auto why = without_page(reply)) return why;
    const auto page = parse_page(reply.output);
    constexpr std::size_t most = 200;
    if (!page) return "the answer is no page: " + beginning(reply.output, most) + told(reply);
    if (page->status != entry.status) {
        return "expected status " + std::to_string(entry.status) + ", came " + what_came(*page) +
               told(reply) + what_to_do(*page, reply);
    }
    if (page->body.find(entry.text) != std::string::npos) return {};
    return "expected " + beginning(entry.text, most) + " in the body" +
           (reply.truncated ? " (its first 1 MiB)" : "") + ", came " + what_came(*page) +
           told(reply) + what_to_do(*page, reply);
}

std::string late_complaint(const config::Warmup& entry) {
    return "no answer within " + core::in_words(entry.timeout) +
           ": look what the script waits for, or raise its timeout";
}

} // namespace sluice::fpm
