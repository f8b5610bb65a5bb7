#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/problem.h"
#include "config/settings.h"

namespace sluice::config {

/// Where a value came from, for `sluice check --print`: key name -> "default",
/// "/etc/sluice.toml:3", "environment".
using Origins = std::vector<std::pair<std::string, std::string>>;

struct Loaded {
    Settings settings;
    Problems problems; // errors and warnings; with any error the settings are not to be used
    Origins origins;   // one for each key that was set
};

/// A file's text, or why it cannot be read ("No such file or directory").
struct File {
    std::string path;
    std::string text;
};

/// Reads TOML (nothing: there is no file) and then the environment over it. Pure: no file is
/// opened and ::environ is not looked at. `environment` holds "NAME=value" strings.
/// A TOML syntax error is reported alone, otherwise every problem of the file and the
/// environment at once, those across several keys included.
Loaded load(const std::optional<File>& file, const std::vector<std::string>& environment);

/// The environment without what belongs to sluice, which the service does not get to see.
/// What Kubernetes and Docker links inject for a service that is called sluice stays.
std::vector<std::string> without_own(const std::vector<std::string>& environment);

/// Finds and reads the configuration file: `option` (--config) before SLUICE_CONFIG before
/// /etc/sluice.toml. Only the last may be missing; otherwise adds to `problems` and gives nothing.
std::optional<File> find_file(const std::optional<std::string>& option,
                              const std::vector<std::string>& environment, Problems& problems);

} // namespace sluice::config
