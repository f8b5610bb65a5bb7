#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fleet/engine/container.h"

namespace sluice::fleet {

// Which containers are meant, and how sluice is called in them. Pure.

/// What the command line says of it. All that is given has to match; nothing given: every running
/// container whose first process is sluice.
struct Choice {
    struct Label {
        std::string key;
        std::optional<std::string> value; // nothing: any

        bool operator==(const Label&) const = default;
    };

    std::vector<Label> labels;      // each of them
    std::vector<std::string> names; // one of these patterns (*, ?, [...])
    std::string project;            // Compose's

    bool empty() const { return labels.empty() && names.empty() && project.empty(); }
};

/// "KEY" or "KEY=VALUE"; nothing without a key.
std::optional<Choice::Label> parse_label(std::string_view text);

bool matches(const Choice& choice, const Listed& container);

/// "label a=b, name web-*": for messages.
std::string in_words(const Choice& choice);

/// True if the program of this path, or of a process's command, is called sluice.
bool is_sluice(std::string_view program);

/// Whether the container's first process is sluice, as far as what it was started with tells.
/// Nothing: an entrypoint of another name may have executed it since; ask for its processes.
std::optional<bool> started_with_sluice(const Container& container);

/// Whether the first process is sluice now.
bool runs_sluice(const Container& container, const std::vector<Process>& processes);

/// Whether sluice is sure to have a control socket there, by the first process's words: it has one
/// for PHP-FPM and nginx. For other programs only if one is configured.
bool runs_known_service(const std::vector<std::string>& words);

/// The words of the container's first process now; empty where it is not listed.
std::vector<std::string> words_of_first(const Container& container,
                                        const std::vector<Process>& processes);

/// The paths to call sluice by in the container, the best first: by what it was started with, or by
/// PID 1's own executable, which is there without a path and whatever has become of the file.
std::vector<std::string> programs(const Container& container);

/// Its health check is sluice's own, so that asking sluice tells the same, and at once.
bool checks_by_sluice(const Container& container);

} // namespace sluice::fleet
