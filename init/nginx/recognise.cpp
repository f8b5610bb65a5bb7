#include "init/nginx/recognise.h"

#include <algorithm>
#include <string_view>

#include "init/core/lines.h"
#include "init/core/program_place.h"

namespace sluice::nginx {

namespace {

using core::file_name;

// ngx_get_options (nginx.c): letters in one word, the value of p, e, c, g and s attached or in the
// next word. False where nginx does not go on to serve.
bool serves(Service& service) {
    const auto& words = service.words;
    for (std::size_t at = 0; at < words.size(); ++at) {
        std::string_view letters = words[at];
        if (!letters.starts_with('-')) continue; // for nginx to complain of
        letters.remove_prefix(1);
        while (!letters.empty()) {
            const char letter = letters.front();
            letters.remove_prefix(1);
            if (std::string_view("tTvVh?s").find(letter) != std::string_view::npos) return false;
            if (std::string_view("pecg").find(letter) == std::string_view::npos) continue;
            if (letters.empty() && at + 1 < words.size()) letters = words[++at];
            if (letter == 'g') service.directives = letters;
            break;
        }
    }
    return true;
}

} // namespace

bool is_nginx(const std::string& program) {
    return file_name(program) == "nginx";
}

std::optional<Service> recognise(const std::vector<std::string>& command,
                                 const std::function<bool(const std::string&)>& is_script) {
    const auto place = core::place_of_program(command, is_nginx, is_script);
    if (!place) return {};
    const auto at = command.begin() + static_cast<long>(*place);
    Service service{
        .wrapper = {command.begin(), at}, .program = *at, .words = {at + 1, command.end()}};
    service.by_docker_entrypoint =
        service.wrapper.size() == 1 && file_name(service.wrapper.front()) == "docker-entrypoint.sh";
    if (!serves(service)) return {};
    return service;
}

std::vector<std::string> check(const Service& service) {
    auto words = service.words;
    words.emplace_back("-T");
    return words;
}

std::string complaints_in(const std::string& output) {
    constexpr std::string_view before = "nginx: ";
    std::string joined;
    std::string_view rest = output;
    while (!rest.empty()) {
        auto line = core::take_line(rest);
        // With an error_log on stderr a line has a time and a pid before its level instead.
        const auto level = std::min({line.find("[emerg]"), line.find("[alert]"),
                                     line.find("[crit]"), line.find("[error]")});
        if (line.find("[warn]") != std::string_view::npos) continue;
        if (line.starts_with(before)) {
            line.remove_prefix(before.size());
        } else if (level != std::string_view::npos) {
            line.remove_prefix(level);
        } else {
            continue;
        }
        if (!joined.empty()) joined += "; ";
        joined += line;
    }
    return joined.empty() ? output.substr(0, 1'000) : joined;
}

} // namespace sluice::nginx
