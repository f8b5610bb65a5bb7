#include "init/fpm_telling.h"

#include <utility>
#include <variant>

#include "init/fpm/wrapper.h"
#include "init/os/descriptors.h"
#include "init/os/file_system.h"
#include "init/os/program.h"
#include "init/os/text_file.h"

namespace sluice {

namespace {

bool succeeded(const os::Captured& answer) {
    return answer.end == os::Captured::End::exited && answer.wait_status == 0;
}

Telling tell(const FpmCall& call, Telling telling, const std::string& text) {
    telling.config = os::file_in_memory("sluice-check.conf", text);
    telling.launch =
        fpm_launch(call, fpm::tell(call.service.arguments, os::path_of(telling.config)));
    telling.launch.keep = {telling.config.get()};
    return telling;
}

std::optional<Telling> tell_of_file(const FpmCall& call, const std::string& config,
                                    std::string no_snapshot) {
    const auto users = fpm::include_of(config);
    if (!users) return {};
    return tell(call, {.no_snapshot = std::move(no_snapshot), .last = true},
                fpm::talkative_config(*users));
}

// None can be had with this prefix, which may not be FPM's.
std::optional<Telling> tell_of_file_and_prefix(const FpmCall& call, const std::string& config,
                                               std::string prefix, std::string no_snapshot) {
    const auto users = fpm::include_of(config);
    if (!users) return {};
    return tell(call, {.prefix = std::move(prefix), .no_snapshot = std::move(no_snapshot)},
                fpm::prefix_question() + fpm::talkative_config(*users));
}

std::optional<Telling> tell_of_snapshot(const FpmCall& call, const std::string& config,
                                        std::string prefix, bool last) {
    auto taken = fpm::take_snapshot(
        config, {.read = os::whole_text_of, .match = os::paths_matching, .prefix = prefix});
    if (auto* const why = std::get_if<std::string>(&taken)) {
        if (last) return tell_of_file(call, config, std::move(*why));
        return tell_of_file_and_prefix(call, config, std::move(prefix), std::move(*why));
    }
    auto& snapshot = std::get<fpm::Snapshot>(taken);
    auto text = fpm::talkative_config(snapshot.text);
    if (snapshot.relative) text.insert(0, fpm::prefix_question());
    return tell(call, {.snapshot = std::move(snapshot), .prefix = std::move(prefix), .last = last},
                text);
}

} // namespace

std::optional<Telling> have_fpm_tell(const FpmCall& call, const std::string& config) {
    if (call.service.scripted) return tell_of_file(call, config, {});
    const auto& arguments = call.service.arguments;
    const auto program = os::find_program(call.service.program, call.search_path).path;
    return tell_of_snapshot(call, config, fpm::likely_prefix(arguments.others, program), false);
}

std::optional<Telling> ask_again(const FpmCall& call, const std::string& config,
                                 const Telling& before, const os::Captured& answer) {
    if (answer.end != os::Captured::End::exited) return {};
    auto prefix = fpm::prefix_in(answer.output);
    const bool other_prefix = prefix && *prefix != before.prefix;
    if (other_prefix && !before.last) {
        return tell_of_snapshot(call, config, *std::move(prefix), true);
    }
    if (!before.snapshot) return {};
    if (before.snapshot->relative && (!prefix || other_prefix)) {
        return tell_of_file(call, config, "FPM does not tell its prefix");
    }
    if (succeeded(answer)) return {};
    return tell_of_file(call, config, "FPM does not take its includes as sluice reads them");
}

std::optional<Told> understand(Telling telling, const os::Captured& answer) {
    if (!succeeded(answer)) return {};
    auto effective = fpm::parse_effective_config(answer.output);
    if (!effective) return {};
    return Told{.config = *std::move(effective),
                .snapshot = std::move(telling.snapshot),
                .no_snapshot = std::move(telling.no_snapshot)};
}

os::Launch fpm_launch(const FpmCall& call, const std::vector<std::string>& words) {
    os::Launch launch{.path = os::find_program(call.service.program, call.search_path).path,
                      .command = {call.service.program},
                      .environment = call.environment};
    launch.command.insert(launch.command.end(), words.begin(), words.end());
    return launch;
}

} // namespace sluice
