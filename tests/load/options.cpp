#include "tests/load/options.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <getopt.h>
#include <string_view>

namespace load {
namespace {

constexpr const char* http_usage =
    R"(Usage: http_load --to ADDRESS (--get PATH | --post PATH)... (--rate N | --clients N) [option...]

Sends HTTP/1.1 requests, each on a connection of its own, and counts every one of them exactly once.
It stops after --duration or --requests, or at SIGTERM or SIGINT.

  --to ADDRESS      PORT or 10.0.0.1:PORT or [::1]:PORT, or the path of a unix socket
  --port PORT       the same for 127.0.0.1
)";

constexpr const char* fastcgi_usage =
    R"(Usage: fcgi_load --to ADDRESS --root FOLDER (--get PATH | --post PATH)...
                 (--rate N | --clients N) [option...]

Sends FastCGI requests to PHP-FPM and counts every one of them exactly once. It stops after
--duration or --requests, or at SIGTERM or SIGINT. With more clients than the service has workers
and its backlog has places, the accept queue is full.

  --to ADDRESS      PORT or 10.0.0.1:PORT or [::1]:PORT, or the path of a unix socket
  --root FOLDER     PATHs are below it (where PHP-FPM sees it)
  --keep-alive N    N requests on one connection, then the client closes it (default 1)
)";

constexpr const char* common_usage =
    R"(  --get PATH        send GET PATH; may be repeated and mixed with --post: they take turns
  --post PATH       send POST PATH
  --body-size N     bytes in the body of a POST (default 1024)
  --rate N          N requests a second, whatever the answers do (open loop)
  --clients N       N clients, each sends its next request after an answer (closed loop)
  --rest TIME       how long such a client waits after a request that was not answered (default 5ms)
  --duration TIME   stop sending after TIME, as in 500ms, 10s, 2m
  --requests N      stop sending after N requests
  --wait TIME       wait so long for what is in flight then; the rest is lost (default 15s)
  --cut-after TIME  call an unanswered request cut instead of lost if it ran for TIME or longer;
                    for requests that by themselves take longer than the drain deadline
  --stall-after TIME  count as stalled, beside its verdict, each request that took longer than TIME
  --csv FILE        a line for each request, written when it ends; the first names the columns
  --json            one line of JSON to stdout, the table to stderr

The sum of these is what was sent:
  answered  a complete 200 with the expected text
  late      the same, but a connect() took over 0.9 s (a dropped SYN came back)
  refused   no connection was made: ECONNREFUSED, or nginx's 502 after nothing but such; ENOENT
            where a unix socket's path is gone
  busy      no connection was made: EAGAIN, a unix socket's accept queue is full
  cut       see --cut-after
  lost      everything else
In JSON they are there once more, each with their own sum, as get_..., post_..., reused_... (not the
first on its connection) and after_... (begun after a SIGUSR1, with which a script marks the begin
of a stop; "marked" on stderr answers it: what was begun before has met the service). slow_refused is how many of the refused took over 0.9 s to be refused. target1_... are
those of the first --get or --post, and so on, with the latencies of those that were answered.
Where the answers tell the version of their code (version=N), v<N> is how many came from version N,
newest the newest, and stale how many connections were begun after newer code had answered, and got
older code.
Exit status: 0 the run is complete, whatever was lost; 1 the generator itself failed; 2 usage;
3 the sum is wrong.
)";

[[noreturn]] void usage_error(const std::string& reason) {
    const char* const name = program_invocation_short_name;
    std::fprintf(stderr, "%s: %s\nTry '%s --help'.\n", name, reason.c_str(), name);
    std::exit(2);
}

template <typename Number>
Number parse_number(std::string_view option, std::string_view text, Number least, Number most) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        usage_error("--" + std::string(option) + ": '" + std::string(text) + "' is out of place");
    return value;
}

Millis parse_time(std::string_view option, std::string_view text) {
    const auto unit_at = text.find_first_not_of("0123456789.");
    const std::string_view unit = unit_at == text.npos ? "" : text.substr(unit_at);
    const double factor = unit == "ms" ? 1 : unit == "s" ? 1'000 : unit == "m" ? 60'000 : 0;
    if (factor == 0)
        usage_error("--" + std::string(option) + ": '" + std::string(text) +
                    "' is no time; write it as 500ms, 10s or 2m");
    return Millis(static_cast<Millis::rep>(
        factor * parse_number<double>(option, text.substr(0, unit_at), 0, 1e6)));
}

std::string parse_path(std::string_view option, std::string_view text) {
    if (text.empty() || text.front() != '/' || text.find_first_of(" \r\n#") != text.npos)
        usage_error("--" + std::string(option) + ": a path starts with '/' and has no blanks");
    return std::string(text);
}

Address parse_to(std::string_view option, std::string_view text) {
    const auto address = parse_address(text);
    if (!address)
        usage_error("--" + std::string(option) + ": '" + std::string(text) + "' is out of place");
    return *address;
}

void apply(Options& options, std::string_view name, std::string_view text) {
    if (name == "port")
        options.address =
            *parse_address(std::to_string(parse_number<std::uint16_t>(name, text, 1, 65535)));
    else if (name == "to")
        options.address = parse_to(name, text);
    else if (name == "root")
        options.root = text;
    else if (name == "keep-alive")
        options.keep_alive = parse_number<unsigned>(name, text, 1, 1'000'000'000);
    else if (name == "get" || name == "post")
        options.targets.push_back({name == "post", parse_path(name, text)});
    else if (name == "body-size")
        options.body_bytes = parse_number<std::size_t>(name, text, 64, 64U << 20U);
    else if (name == "rate")
        options.rate = parse_number<double>(name, text, 0.01, 100'000);
    else if (name == "clients")
        options.clients = parse_number<unsigned>(name, text, 1, 10'000);
    else if (name == "rest")
        options.rest = parse_time(name, text);
    else if (name == "duration")
        options.duration = parse_time(name, text);
    else if (name == "requests")
        options.requests = parse_number<std::uint64_t>(name, text, 1, 1'000'000'000);
    else if (name == "wait")
        options.wait = parse_time(name, text);
    else if (name == "cut-after")
        options.cut_after = parse_time(name, text);
    else if (name == "stall-after")
        options.stall_after = parse_time(name, text);
    else if (name == "csv")
        options.csv = text;
    else if (name == "json")
        options.json = true;
}

void require_complete(const Options& options) {
    if (options.address.size == 0) usage_error("--to is missing");
    if (options.protocol == Protocol::fastcgi && options.root.empty())
        usage_error("--root is missing");
    if (options.targets.empty()) usage_error("--get or --post is missing");
    if ((options.rate > 0) == (options.clients > 0))
        usage_error("exactly one of --rate and --clients is needed");
}

std::vector<option> known_options(Protocol protocol) {
    std::vector<option> known{{"get", required_argument, nullptr, 'o'},
                              {"post", required_argument, nullptr, 'o'},
                              {"body-size", required_argument, nullptr, 'o'},
                              {"rate", required_argument, nullptr, 'o'},
                              {"clients", required_argument, nullptr, 'o'},
                              {"rest", required_argument, nullptr, 'o'},
                              {"duration", required_argument, nullptr, 'o'},
                              {"requests", required_argument, nullptr, 'o'},
                              {"wait", required_argument, nullptr, 'o'},
                              {"cut-after", required_argument, nullptr, 'o'},
                              {"stall-after", required_argument, nullptr, 'o'},
                              {"csv", required_argument, nullptr, 'o'},
                              {"json", no_argument, nullptr, 'o'},
                              {"to", required_argument, nullptr, 'o'},
                              {"help", no_argument, nullptr, 'h'}};
    if (protocol == Protocol::http) {
        known.push_back({"port", required_argument, nullptr, 'o'});
    } else {
        known.push_back({"root", required_argument, nullptr, 'o'});
        known.push_back({"keep-alive", required_argument, nullptr, 'o'});
    }
    known.push_back({nullptr, 0, nullptr, 0});
    return known;
}

} // namespace

Options parse_options(int argc, char** argv, Protocol protocol) {
    const std::vector<option> known = known_options(protocol);
    Options options;
    options.protocol = protocol;
    int index = 0;
    for (int found = 0; (found = getopt_long(argc, argv, "", known.data(), &index)) != -1;) {
        if (found == 'h') {
            std::fputs(protocol == Protocol::http ? http_usage : fastcgi_usage, stdout);
            std::fputs(common_usage, stdout);
            std::exit(0);
        }
        if (found == '?') usage_error("no such option, or its value is missing");
        apply(options, known[static_cast<std::size_t>(index)].name, optarg ? optarg : "");
    }
    if (optind < argc) usage_error("'" + std::string(argv[optind]) + "' is one too many");
    require_complete(options);
    return options;
}

} // namespace load
