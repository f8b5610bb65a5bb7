#include "init/fpm/recognise.h"

#include <algorithm>
#include <string_view>

#include "init/core/program_place.h"

namespace sluice::fpm {

namespace {

using core::file_name;

bool is_docker_entrypoint(std::string_view program) {
    return file_name(program) == "docker-php-entrypoint";
}

Service service_at(const std::vector<std::string>& command, std::size_t at) {
    const auto place = command.begin() + static_cast<long>(at);
    Service service{.wrapper = {command.begin(), place},
                    .program = *place,
                    .arguments = parse_arguments({place + 1, command.end()})};
    service.scripted = std::ranges::any_of(service.wrapper, [](const auto& word) {
        return word != "--" && !is_docker_entrypoint(word);
    });
    return service;
}

// `docker-php-entrypoint -F`: the script puts "php-fpm" before arguments that begin with a dash,
// in the images that have FPM; in the others it puts "php".
std::optional<Service> flags_only(const std::vector<std::string>& command, const Image& image) {
    const bool flags = is_docker_entrypoint(command.front()) && command.size() > 1 &&
                       command[1].starts_with('-') && image.has("php-fpm");
    if (!flags) return {};
    return Service{.wrapper = {command.front()},
                   .program = "php-fpm",
                   .arguments = parse_arguments({command.begin() + 1, command.end()}),
                   .implied = true};
}

} // namespace

bool is_fpm(const std::string& program) {
    constexpr std::string_view name = "php-fpm";
    auto version = file_name(program);
    if (!version.starts_with(name)) return false;
    version.remove_prefix(name.size());
    return std::ranges::all_of(version, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

std::optional<Service> recognise(const std::vector<std::string>& command, const Image& image) {
    if (command.empty()) return {};
    const auto place = core::place_of_program(command, is_fpm, image.is_script);
    auto service = place ? service_at(command, *place) : flags_only(command, image);
    if (service && service->arguments.only_tells) return {};
    return service;
}

} // namespace sluice::fpm
